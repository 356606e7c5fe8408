//! Frames of a socket, from either side: however they are cut the same is read, and what passes is what came.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../crates/gateway/src/opaque/session/reader.rs"]
#[expect(dead_code, reason = "what writes a frame is not read")]
mod reader;

use reader::{Hostile, Piece, Reader, Sender, Text};

/// Longest message: small, so that inputs reach it.
const MAX_MESSAGE: u64 = 1 << 12;

/// What a reader makes of bytes: what passes, the texts, what their pieces say, the frame that closed, and the messages.
type Read = (Vec<u8>, Vec<Text>, Vec<u8>, Option<Vec<u8>>, u64);

/// Reads `data` in pieces of these sizes.
fn read(sender: Sender, data: &[u8], sizes: &[u8]) -> Result<Read, Hostile> {
    let mut reader = Reader::new(sender, MAX_MESSAGE);
    let (mut out, mut texts, mut said) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = data;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let end = rest.len().min(usize::from(*sizes.next().unwrap_or(&255)) + 1);
        let (piece, more) = rest.split_at(end);
        let passed = reader.push(piece)?;
        assert!(passed.bytes <= piece.len(), "more passes than came");
        out.extend_from_slice(&piece[..passed.bytes]);
        let mut before = 0;
        for Piece { at, .. } in passed.pieces {
            assert!(before <= at.start && at.end <= piece.len(), "pieces of texts overlap");
            before = at.end;
            said.extend_from_slice(&piece[at]);
        }
        texts.extend(passed.texts);
        rest = more;
    }
    Ok((out, texts, said, reader.closed().map(<[u8]>::to_vec), reader.messages))
}

fuzz_target!(|data: &[u8]| {
    let Some((sizes, data)) = data.split_at_checked(4) else { return };
    for sender in [Sender::Client, Sender::Provider] {
        let whole = read(sender, data, &[255]);
        assert_eq!(read(sender, data, sizes), whole, "read otherwise in pieces");
        let Ok((out, texts, said, closed, _)) = whole else { continue };
        assert!(data.starts_with(&out), "what passes is not what came");
        let close = closed.unwrap_or_default();
        assert!(data[out.len()..].starts_with(&close), "the frame that closes is not what came");
        let texts = texts.into_iter().map(|text| match text {
            Text::Whole(text) => text,
            Text::TooLong => panic!("a message of this length is read"),
        });
        assert!(said.starts_with(&texts.collect::<Vec<_>>().concat()), "a text is not its pieces");
        assert!(sender == Sender::Provider || said.is_empty(), "what a client says is read");
    }
});
