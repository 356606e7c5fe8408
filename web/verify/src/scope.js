// What a package shows and what it does not: fixed text of every manifest and report (docs/formats.md §12).
export const SCOPE = 'This package shows that the listed records existed in this log in this form and order when the checkpoint was '
  + 'signed, and who signed them. It does not show that what they say is true, that anything outside the log did not happen, or that '
  + 'a management system conforms to any standard. Tabellion is not a certification body.';
