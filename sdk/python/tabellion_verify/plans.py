"""The checks of each kind of file in their order, with what each shows when it holds and what it does not show even then.

Source: docs/formats.md §12. Text only.
"""

from .report import Plan

PACKAGE = [
    Plan("container", "The file is a package in its one byte form, with every check sum right.", "Who made it."),
    Plan("manifest", "The table of contents and its signature can be read.", "That it is true or signed."),
    Plan("files", "Every file is the one that the manifest lists, and there is no other.", "That the readable report is true."),
    Plan(
        "entries",
        "Every entry is a record, statement or seal of this log, understood where it must be.",
        "That records are true.",
    ),
    Plan("tree", "These entries, in this order and place, are what the checkpoint's root commits to.", "That all saw this tree."),
    Plan("keys", "Every key comes from the genesis by records of the root key; none is left out.", "Who holds the root key."),
    Plan("manifest signature", "The package key in force signed the list of all files.", "That what it says is true."),
    Plan("issuer", "The trust file vouches for the keys of this log.", "That the trust file is right: get it by another way."),
    Plan("checkpoint signature", "The log key in force signed this root and size.", "When: no outside clock stands in it."),
    Plan(
        "seals", "The writer key sealed every batch whole, in order, at the times stated.", "That the writer's clock was right."
    ),
    Plan("statements", "Each statement is signed by its actor's key, in force at its place.", "Which person held the key."),
    Plan("disclosures", "Everything shown is what was sealed, field by field.", "Anything about what is withheld."),
    Plan("erasures", "Each unit called erased has its tombstone in the log.", "That no copy survives elsewhere."),
    Plan("numbers", "No number of a producer's count is missing or used twice.", "That everything that happened was recorded."),
    Plan("period edges", "The range is whole batches and, with a period, all of them.", "Anything after the checkpoint."),
    Plan("totals", "The manifest's totals, types and epochs are what counting gives.", "That enough was recorded."),
]

ALARMS = Plan(
    "alarms",
    "Every alarm in the log that is shown here, of a witness that saw another history of it, was answered for and lifted.",
    "That the answer was right, or that no witness saw another history later.",
)

SHARDS = Plan(
    "shards",
    "The checkpoints of each shard that this range tells of never shrink and have one root for each size, its key signed them where the range shows "
    "that key, and no conflict is on record here.",
    "That a larger tree continues a smaller one: the root log was shown that when it took the checkpoint. Nothing about a shard before or after the range.",
)

SOURCES = Plan(
    "sources",
    "Every number that an outside source gave to its records in this range is here, or was declared lost by the source.",
    "That a source counted everything that it saw, or anything about an application that never calls the log.",
)

SOURCE_SIGNATURES = Plan(
    "source signatures",
    "Each signed heartbeat is signed by the key that it names, and a source keeps its key in this range unless a person put another in its place.",
    "Whose key it is, which the application can say, or that the source counted everything that it saw.",
)

SOURCE_SIGNATURE = Plan(
    "source signature",
    "The source signed these counts itself, with the key that the heartbeat names.",
    "Whose key it is: compare its id with the one that the application has; or that the source counted everything that it saw.",
)

ANCHORS = Plan(
    "anchors",
    "Somebody outside whom the trust file names held a digest of the log at the times stated.",
    "When what an entry tells of happened.",
    False,
)

TIME_BOUNDS = Plan(
    "time bounds",
    "No batch claims another time than outside clocks allow: anchors, and the witnesses that the trust file asks for.",
    "When what an entry tells of happened, or that it was not prepared earlier than it was logged.",
    False,
)

RECEIPT = [
    Plan("form", "The file is a receipt in its one form.", "Who made it."),
    Plan("entry", "The entry is of the checkpoint's log and environment, understood where it must be.", "That it is true."),
    Plan("inclusion", "Entry, seal and key records are in the tree that the checkpoint names.", "That all saw this tree."),
    Plan("keys", "The root key brought in every key that is used.", "That none was revoked later: a package shows that."),
    Plan("issuer", "The trust file vouches for the keys of this log.", "That the trust file is right: get it by another way."),
    Plan("checkpoint signature", "The log key signed this root and size.", "When: no outside clock stands in it."),
    Plan("seal", "The writer key sealed the entry's batch at the time stated.", "That the writer's clock was right."),
    Plan("statement", "The entry is signed by its actor's key.", "Which person held the key."),
    Plan("disclosures", "Everything shown is what was sealed, field by field.", "Anything about what is withheld."),
]

TRANSPARENT = [
    Plan("form", "The file is a statement with receipts, each in its one form.", "Who made it."),
    Plan("issuer", "The trust file pins the log key of a receipt.", "That the trust file is right: get it by another way."),
    Plan("receipt", "The log key signed a tree that holds this statement.", "When; and the size is what the receipt says."),
    Plan("statement signature", "The actor's key signed the statement.", "Which person held the key.", required=False),
]

RUN = [
    Plan("form", "The file has the one form of a run, and its totals are those of its verdicts.", "Who wrote it: anybody can write one."),
    Plan("keys", "The key records stand in the checkpoint's tree and follow from the genesis.", "That none was left out at the end."),
    Plan("issuer", "The trust file vouches for the keys of this log.", "That the trust file is right: get it by another way."),
    Plan("checkpoint signature", "The log key signed the tree that the run was made against.", "When: no outside clock stands in it."),
    Plan(
        "run signature",
        "The package key in force signed exactly these verdicts, what was asked for, what was left out and why.",
        "That the verdicts are right: the file does not hold the entries.",
    ),
    Plan(
        "verdicts",
        "The run reached everything that was asked for, found every signature and place right, and found nothing broken.",
        "Anything that it did not check: times and content that are `not checked` are counted apart.",
    ),
]

UNKNOWN = [Plan("form", "The file is a package, a receipt, a transparent statement or a verification run.", "Anything about its content.")]

KEY_DIRECTORY = Plan(
    "key directory",
    "Every signature that this report relies on is by a key that your key directory lists, within its dates.",
    "That the directory is right: it is as good as whoever keeps it.",
)

_NO_MORE = (
    "It does not show that what the record says is true, that anything outside the log did not happen, or that a management "
    "system conforms to any standard. Tabellion is not a certification body."
)
SCOPES = {
    "receipt": "This receipt shows that one entry existed in this log in this form when the checkpoint was signed, and who "
    f"signed it. {_NO_MORE}",
    "transparent statement": f"This statement shows that a log took it in, in this form, and signed so. {_NO_MORE}",
    "verification run": "This verification run shows what the holder of the log's package key says it found when it verified the listed entries "
    "against the checkpoint. It does not hold the entries, so it does not show by itself that they verify, that what they say is true, or that a "
    "management system conforms to any standard; a package or receipts of them do the former. Tabellion is not a certification body.",
    "unknown file": "Nothing was verified. Tabellion is not a certification body.",
}
