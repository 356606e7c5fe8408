//! The tokens of JSON (RFC 8259), checked where they stand.

use super::fault::{JsonFault, Problem};
use super::string::RawString;

/// Digits of an integer that certainly fits a double (the largest has 309).
const SAFE_DIGITS: usize = 300;

/// A place in a text.
pub(super) struct Reader<'b> {
    pub(super) text: &'b str,
    pub(super) at: usize,
}

impl<'b> Reader<'b> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.skip();
        }
    }

    /// The fault of what stands here: not what belongs here, or the end.
    pub(super) fn unexpected(&self) -> JsonFault {
        match self.peek() {
            None => Problem::Truncated.at(self.at),
            Some(_) => Problem::Syntax.at(self.at),
        }
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), JsonFault> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected());
        }
        self.skip();
        Ok(())
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), JsonFault> {
        word.bytes().try_for_each(|byte| self.expect(byte))
    }

    /// A string with its quotes.
    pub(super) fn string(&mut self) -> Result<RawString<'b>, JsonFault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let string =
            RawString::read(rest).map_err(|fault| fault.problem.at(self.at.saturating_add(fault.at)))?;
        self.at = self.at.saturating_add(string.raw().len());
        Ok(string)
    }

    /// A number as it is written.
    pub(super) fn number(&mut self) -> Result<&'b str, JsonFault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.skip();
        }
        if self.peek() == Some(b'0') {
            self.skip();
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.skip();
            self.digits()?;
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.skip();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.skip();
            }
            self.digits()?;
        }
        let number = self.text.get(start..self.at).unwrap_or_default();
        let large = exponent || number.len() > SAFE_DIGITS;
        if large && !number.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(Problem::Number.at(start));
        }
        Ok(number)
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let problem = if self.peek().is_none() { Problem::Truncated } else { Problem::Number };
            return Err(problem.at(self.at));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.skip();
        }
        Ok(())
    }
}
