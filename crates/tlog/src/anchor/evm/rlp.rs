//! RLP, Ethereum's serialisation (yellow paper, appendix B), in its canonical form.
//!
//! Promises: one spelling of every value; nothing is read beyond its end. Nesting is followed by who reads, step by step.

/// What could not be read, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("RLP has no {0} there")]
pub struct RlpError(pub &'static str);

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    is_list: bool,
    payload: &'a [u8],
    /// Its bytes, prefix included.
    pub whole: &'a [u8],
}

impl<'a> Item<'a> {
    /// Its bytes when it is a string.
    pub fn string(&self) -> Result<&'a [u8], RlpError> {
        if self.is_list { Err(RlpError("string")) } else { Ok(self.payload) }
    }

    /// The bytes of its items when it is a list.
    pub fn list(&self) -> Result<&'a [u8], RlpError> {
        if self.is_list { Ok(self.payload) } else { Err(RlpError("list")) }
    }
}

/// The items' bytes of a list that is all of `bytes`.
pub fn whole_list(bytes: &[u8]) -> Result<&[u8], RlpError> {
    match split(bytes) {
        Some((item, [])) => item.list(),
        _ => Err(RlpError("one list and nothing more")),
    }
}

/// At most `max` items that follow each other.
pub fn items(mut bytes: &[u8], max: usize) -> Result<Vec<Item<'_>>, RlpError> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (item, rest) = split(bytes).ok_or(RlpError("item in its shortest form"))?;
        if items.len() == max {
            return Err(RlpError("end after so many items"));
        }
        items.push(item);
        bytes = rest;
    }
    Ok(items)
}

fn split(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (&first, after) = bytes.split_first()?;
    let (is_list, length, after) = match first {
        0..=0x7f => {
            let (whole, rest) = bytes.split_at_checked(1)?;
            return Some((Item { is_list: false, payload: whole, whole }, rest));
        }
        0x80..=0xb7 => (false, usize::from(first - 0x80), after),
        0xb8..=0xbf => long(after, first - 0xb7).map(|(length, after)| (false, length, after))?,
        0xc0..=0xf7 => (true, usize::from(first - 0xc0), after),
        0xf8..=0xff => long(after, first - 0xf7).map(|(length, after)| (true, length, after))?,
    };
    let (payload, rest) = after.split_at_checked(length)?;
    if let (0x81, [0..=0x7f]) = (first, payload) {
        return None; // a small byte stands for itself
    }
    let whole = bytes.get(..bytes.len() - rest.len())?;
    Some((Item { is_list, payload, whole }, rest))
}

/// A length of `count` digits above 55.
fn long(bytes: &[u8], count: u8) -> Option<(usize, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(usize::from(count))?;
    if digits.first() == Some(&0) || digits.len() > 4 {
        return None;
    }
    let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
    (length > 55).then_some((length, rest))
}

/// A string item.
pub fn string(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [0..=0x7f] => bytes.to_vec(),
        _ => prefixed(0x80, bytes),
    }
}

/// A number as a string item of its digits, without leading zeros.
pub fn number(value: u128) -> Vec<u8> {
    let digits: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
    string(&digits)
}

/// A list item of items that are encoded already.
pub fn list(items: &[Vec<u8>]) -> Vec<u8> {
    prefixed(0xc0, &items.concat())
}

fn prefixed(base: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = if let Ok(short @ 0..=55) = u8::try_from(payload.len()) {
        vec![base + short]
    } else {
        let digits: Vec<u8> =
            payload.len().to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
        // At most eight digits.
        let mut out = vec![base + 55 + u8::try_from(digits.len()).unwrap_or(8)];
        out.extend_from_slice(&digits);
        out
    };
    out.extend_from_slice(payload);
    out
}
