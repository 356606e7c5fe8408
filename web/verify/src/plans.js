// The checks of each kind of input in their binding order (docs/formats.md §12), with what each proves and what it does not.

const check = (name, title, findings, proves, notProved, required = true) => (
  { name, title, findings, proves, notProved, required });

/** Of a package with anchors. */
export const ANCHORS_CHECK = check('anchors', 'Anchors', [],
  'Somebody outside whom the trust file names held a digest of the log at the times stated.',
  'When what an entry tells of happened.', false);

/** Where a clock outside the log has dated something. */
export const TIME_BOUNDS_CHECK = check('time bounds', 'Time bounds', [],
  'No batch claims another time than outside clocks allow: anchors, and the witnesses that the trust file asks for.',
  'When what an entry tells of happened, or that it was not prepared earlier than it was logged.', false);

/** Where the reader gives a list of keys. */
export const KEY_DIRECTORY_CHECK = check('key directory', 'Key directory', ['issued'],
  'Every signature that this report relies on is by a key that your key directory lists, within its dates.',
  'That the directory is right: it is as good as whoever keeps it.');

/** Of a package in which the log records that a witness knows another history of it. */
export const ALARMS_CHECK = check('alarms', 'Alarms', ['unaltered'],
  'Every alarm in the log that is shown here, of a witness that saw another history of it, was answered for and lifted.',
  'That the answer was right, or that no witness saw another history later.');

/** Of a root log's package whose range tells of its shards. */
export const SHARDS_CHECK = check('shards', 'Shards', [],
  'The checkpoints of each shard that this range tells of never shrink and have one root for each size, its key signed them where the range shows '
  + 'that key, and no conflict is on record here.',
  'That a larger tree continues a smaller one: the root log was shown that when it took the checkpoint. Nothing about a shard before or after the range.');

/** Of a package in whose range outside sources counted what they sent. */
export const SOURCES_CHECK = check('sources', 'Sources', [],
  'Every number that an outside source gave to its records in this range is here, or was declared lost by the source.',
  'That a source counted everything that it saw, or anything about an application that never calls the log.');

/** Of a package whose range tells of a source's key. */
export const SOURCE_SIGNATURES_CHECK = check('source signatures', 'Source signatures', [],
  'Each signed heartbeat is signed by the key that it names, and a source keeps its key in this range unless a person put another in its place.',
  'Whose key it is, which the application can say, or that the source counted everything that it saw.');

/** Of the receipt of a heartbeat. */
export const SOURCE_SIGNATURE_CHECK = check('source signature', 'Source signature', [],
  'The source signed these counts itself, with the key that the heartbeat names.',
  'Whose key it is: compare its id with the one that the application has; or that the source counted everything that it saw.');

export const PACKAGE_PLAN = [
  check('container', 'Container', ['unaltered'],
    'The file is a package in its one possible byte form; every file has its checksum.',
    'Who made it: a checksum can be recomputed by anyone.'),
  check('manifest', 'Manifest', ['unaltered'],
    'The table of contents can be read and has exactly the members it must have.',
    'That what it says is so; the checks below do that.'),
  check('files', 'Files', ['unaltered', 'issued'],
    'Every file has the size and SHA-256 that the manifest lists, and there is no other file.',
    'Who listed them; see the manifest signature.'),
  check('entries', 'Entries', ['unaltered'],
    'Every entry is a record, statement or seal of this log and environment, of a kind this verifier knows where it must.',
    'That what the records say is true.'),
  check('tree', 'Tree', ['existed', 'unaltered', 'issued'],
    'The entries, in this order, are exactly what the checkpoint’s root hash commits to. A changed, moved, added or removed entry gives another root.',
    'That the checkpoint is genuine; see its signature.'),
  check('keys', 'Keys', ['existed', 'issued'],
    'Every key was granted by the log’s root key, every rotation signed by both keys, and none of these records is left out.',
    'Who holds the root key; see the issuer.'),
  check('manifest signature', 'Manifest signature', ['unaltered', 'issued'],
    'The package was put together by the holder of the log’s package key.',
    'That everything was chosen for it that should have been; see the period edges.'),
  check('issuer', 'Issuer', ['existed', 'issued'],
    'The log is one that your trust file names, by its root key or its log key, and the witnesses it asks for have signed.',
    'That the trust file is right: get it by another way than the package.'),
  check('checkpoint signature', 'Checkpoint signature', ['existed', 'issued'],
    'The log key in force signed this tree: the log cannot deny it later.',
    'That the log showed everybody the same tree; witnesses do that.'),
  check('seals', 'Seals', ['existed', 'unaltered'],
    'Every batch was closed by the writer key in force: entries, order and time as written, no batch between left out.',
    'That the writer’s clock was right; it never goes back.'),
  check('statements', 'Statements', ['issued'],
    'Every signed statement bears the signature of its actor’s key, in force at that time.',
    'That the key was in the right hands.'),
  check('disclosures', 'Disclosures', ['unaltered'],
    'Every field shown is the very one that was sealed.',
    'Anything about withheld fields, or that a field’s content is true.'),
  check('erasures', 'Erasures', ['unaltered'],
    'Every erasure claimed has its tombstone in the log.',
    'That no copy survives elsewhere.'),
  check('numbers', 'Numbers', ['unaltered'],
    'Within the range no number of any producer’s count is missing or used twice.',
    'What a producer did after its last number when its epoch has no close.'),
  check('period edges', 'Period edges', ['unaltered'],
    'The range is exactly the batches of the stated period, as the seals at its edges show.',
    'Anything before or after the period, or in batches later than the checkpoint.'),
  check('totals', 'Totals', ['unaltered'],
    'The manifest’s totals and types are what the entries give when counted again.',
    'The framework label, which is only what was asked for.'),
];

export const RECEIPT_PLAN = [
  check('form', 'Form', ['unaltered'],
    'The file is a receipt in its one possible form; its entries can be read.',
    'That what it says is so; the checks below do that.'),
  check('entry', 'Entry', ['unaltered'],
    'Entry, seal, key records and checkpoint are of one log and environment, of a kind this verifier knows where it must.',
    'That what the record says is true.'),
  check('inclusion', 'Inclusion', ['existed', 'unaltered', 'issued'],
    'The entry, byte for byte, is in the tree that the checkpoint’s root hash commits to, and so are the seal and the key records.',
    'That the checkpoint is genuine; see its signature.'),
  check('keys', 'Keys', ['existed', 'issued'],
    'The log key and the writer key were granted by the log’s root key.',
    'That no key was revoked before: a receipt does not hold every key record; a package does.'),
  check('issuer', 'Issuer', ['existed', 'issued'],
    'The log is one that your trust file names, by its root key or its log key, and the witnesses it asks for have signed.',
    'That the trust file is right: get it by another way than the receipt.'),
  check('checkpoint signature', 'Checkpoint signature', ['existed', 'issued'],
    'The log key signed this tree: the log cannot deny it later.',
    'That the log showed everybody the same tree; witnesses do that.'),
  check('seal', 'Seal', ['existed'],
    'The batch that holds the entry was closed by the writer key, at the time shown.',
    'That the writer’s clock was right.'),
  check('statement', 'Statement', ['issued'],
    'The entry bears the signature of its actor’s key.',
    'That the key was in the right hands. A record that its actor did not sign is attributed by the seal to the log’s writer.', false),
  check('disclosures', 'Disclosures', ['unaltered'],
    'Every field shown is the very one that was sealed.',
    'Anything about withheld fields, or that a field’s content is true.'),
];

export const RUN_PLAN = [
  check('form', 'Form', ['unaltered'],
    'The file has the one form of a verification run, and its totals are those of its verdicts.',
    'Who wrote it: anybody can write one.'),
  check('keys', 'Keys', ['unaltered'],
    'The key records stand in the checkpoint’s tree and follow from the log’s first entry.',
    'That no key record was left out at the end: a package holds what shows that.'),
  check('issuer', 'Issuer', ['unaltered', 'issued'],
    'The log is one that your trust file names, by its root key or its log key, and the witnesses it asks for have signed.',
    'That the trust file is right: get it by another way than the run.'),
  check('checkpoint signature', 'Checkpoint signature', ['unaltered', 'issued'],
    'The log key signed the tree that the run was made against.',
    'When: a checkpoint carries no outside time.'),
  check('run signature', 'Run signature', ['unaltered', 'issued'],
    'The package key in force signed exactly these verdicts, what was asked for, what was left out and why.',
    'That the verdicts are right: the file does not hold the entries.'),
  check('verdicts', 'Verdicts', [],
    'The run reached everything that was asked for, found every signature and place right, and found nothing broken.',
    'Anything that it did not check: times and content that are “not checked” are counted apart.'),
];

export const TRANSPARENT_PLAN = [
  check('form', 'Form', ['unaltered'],
    'The file is a statement with receipts in its one possible form.',
    'That what it says is so; the checks below do that.'),
  check('issuer', 'Issuer', ['existed', 'issued'],
    'A receipt is by a log key that your trust file pins.',
    'That the trust file is right: get it by another way than the statement.'),
  check('receipt', 'Receipt', ['existed', 'unaltered', 'issued'],
    'That log key has signed the root of a tree that holds this very statement.',
    'When, at which exact size, and that the key was not revoked: none of these stands signed in this form. A receipt file shows the first two, a package all.'),
  check('statement signature', 'Statement signature', ['issued'],
    'The statement bears the signature of its actor’s key.',
    'Here nothing: the actor’s public key is not in this file. The log took the statement in under its own rules.', false),
];
