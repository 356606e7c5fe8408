//! One message on the wire: length, then bytes.
//!
//! Promises: at most [`MAX_MESSAGE_BYTES`] are ever reserved for what a peer announces; a half message is an error, no message is not.

use std::io::{self, Read, Write};

use super::MAX_MESSAGE_BYTES;

/// Writes one message.
pub(super) fn write(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MAX_MESSAGE_BYTES);
    let Some(length) = length else {
        let text = format!(
            "a message of {} bytes is larger than the {MAX_MESSAGE_BYTES} a message may have",
            bytes.len()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    };
    let mut message = Vec::with_capacity(bytes.len() + 4);
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(bytes);
    stream.write_all(&message)?;
    stream.flush()
}

/// Reads one message; `None` when the peer closed between messages.
pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if !read_all_or_nothing(stream, &mut length)? {
        return Ok(None);
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE_BYTES {
        let text = format!(
            "the peer announces {length} bytes, more than the {MAX_MESSAGE_BYTES} a message may have"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// Fills `buffer`; `false` when the stream ended before its first byte.
fn read_all_or_nothing(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was_sent() {
        let mut wire = Vec::new();
        write(&mut wire, b"one").expect("a short message fits");
        write(&mut wire, b"").expect("an empty message fits");
        let mut wire = wire.as_slice();
        assert_eq!(read(&mut wire).expect("whole"), Some(b"one".to_vec()), "the request would be another");
        assert_eq!(read(&mut wire).expect("whole"), Some(Vec::new()), "an empty message is a message");
        assert_eq!(read(&mut wire).expect("closed"), None, "a peer that leaves between messages is no fault");
    }

    #[test]
    fn a_cut_or_oversized_message_is_refused_without_reserving_for_it() {
        let cut =
            read(&mut [3, 0, 0, 0, b'x'].as_slice()).expect_err("half a request must not be carried out");
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof, "{cut}");
        read(&mut [3, 0].as_slice()).expect_err("half a length is half a message");
        let large =
            read(&mut [0xff; 8].as_slice()).expect_err("a stranger could make the server reserve 4 GiB");
        assert_eq!(large.kind(), io::ErrorKind::InvalidData, "{large}");
    }
}
