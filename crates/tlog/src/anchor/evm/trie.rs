//! The trie of a block's transactions (yellow paper, appendix D): its root, the path to one of them, and following such a path.

use super::keccak256;
use super::rlp::{self, Item};

/// Nibbles of a key.
type Path = Vec<u8>;

/// The root over `transactions`, as a block's header names it.
pub fn root(transactions: &[Vec<u8>]) -> [u8; 32] {
    let entries = entries(transactions);
    keccak256(&if entries.is_empty() { rlp::string(&[]) } else { node(&entries, 0, None, &mut Vec::new()) })
}

/// The nodes from the root to transaction `index`, the root first; nodes that stand inside their parent are not repeated.
pub fn prove(transactions: &[Vec<u8>], index: usize) -> Vec<Vec<u8>> {
    let entries = entries(transactions);
    let wanted = nibbles(&key(index));
    let mut path = Vec::new();
    if index < transactions.len() {
        let root = node(&entries, 0, Some(&wanted), &mut path);
        path.push(root);
        path.reverse();
    }
    path
}

/// The value under `key` in the trie of this root.
pub(super) fn find(root: &[u8; 32], key: &[u8], nodes: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut left = nodes.iter();
    let mut current = next(&mut left, root)?;
    let path = nibbles(key);
    let mut path = path.as_slice();
    loop {
        let items = rlp::items(rlp::whole_list(current).ok()?, 17).ok()?;
        let child = match items.as_slice() {
            [encoded, value] => {
                let (prefix, is_leaf) = decode_path(encoded.string().ok()?)?;
                path = path.strip_prefix(prefix.as_slice())?;
                if is_leaf {
                    return (path.is_empty() && left.next().is_none())
                        .then(|| value.string().ok())?
                        .map(<[u8]>::to_vec);
                }
                value
            }
            branch if branch.len() == 17 => {
                let Some((nibble, after)) = path.split_first() else {
                    let value = branch.last()?.string().ok()?;
                    return (!value.is_empty() && left.next().is_none()).then(|| value.to_vec());
                };
                path = after;
                branch.get(usize::from(*nibble))?
            }
            _ => return None,
        };
        current = follow(child, &mut left)?;
    }
}

fn follow<'a>(child: &Item<'a>, left: &mut std::slice::Iter<'a, Vec<u8>>) -> Option<&'a [u8]> {
    match child.string() {
        Ok(hash) => next(left, &hash.try_into().ok()?),
        Err(_) => Some(child.whole),
    }
}

fn next<'a>(left: &mut std::slice::Iter<'a, Vec<u8>>, hash: &[u8; 32]) -> Option<&'a [u8]> {
    left.next().filter(|node| keccak256(node) == *hash).map(Vec::as_slice)
}

fn key(index: usize) -> Vec<u8> {
    rlp::number(index as u128)
}

fn entries(transactions: &[Vec<u8>]) -> Vec<(Path, &[u8])> {
    let mut entries: Vec<(Path, &[u8])> = transactions
        .iter()
        .enumerate()
        .map(|(index, transaction)| (nibbles(&key(index)), transaction.as_slice()))
        .collect();
    entries.sort();
    entries
}

fn nibbles(bytes: &[u8]) -> Path {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

/// The node over `entries`, which agree in their first `depth` nibbles and of which there is at least one. Nodes on the way to `wanted` that stand
/// for themselves are added to `path`, the deepest first.
fn node(entries: &[(Path, &[u8])], depth: usize, wanted: Option<&[u8]>, path: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let tail = |nibbles: &Path| nibbles.get(depth..).unwrap_or_default().to_vec();
    let first = entries.first().map(|(nibbles, _)| tail(nibbles)).unwrap_or_default();
    if let [(_, value)] = entries {
        return rlp::list(&[rlp::string(&encode_path(&first, true)), rlp::string(value)]);
    }
    let last = entries.last().map(|(nibbles, _)| tail(nibbles)).unwrap_or_default();
    // Sorted entries: what the first and the last share, all share.
    let shared = first.iter().zip(&last).take_while(|(a, b)| a == b).count();
    if shared > 0 {
        let prefix = first.get(..shared).unwrap_or_default();
        let child = child(entries, depth + shared, wanted, path);
        return rlp::list(&[rlp::string(&encode_path(prefix, false)), child]);
    }
    let mut items = Vec::new();
    for nibble in 0..16u8 {
        let below: Vec<(Path, &[u8])> =
            entries.iter().filter(|(nibbles, _)| nibbles.get(depth) == Some(&nibble)).cloned().collect();
        let on_way = wanted.filter(|wanted| wanted.get(depth) == Some(&nibble));
        items.push(if below.is_empty() { rlp::string(&[]) } else { child(&below, depth + 1, on_way, path) });
    }
    // No key of a transaction is the beginning of another, so no branch has a value.
    items.push(rlp::string(&[]));
    rlp::list(&items)
}

/// How a parent names the node over `entries`: by its hash, or by itself when it is shorter than one.
fn child(entries: &[(Path, &[u8])], depth: usize, wanted: Option<&[u8]>, path: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let encoded = node(entries, depth, wanted, path);
    if encoded.len() < 32 {
        return encoded;
    }
    let name = rlp::string(&keccak256(&encoded));
    if wanted.is_some() {
        path.push(encoded);
    }
    name
}

/// Nibbles with a flag for leaves, as bytes ("hex prefix").
fn encode_path(nibbles: &[u8], is_leaf: bool) -> Vec<u8> {
    let odd = nibbles.len() % 2 == 1;
    let flag = u8::from(is_leaf) * 2 + u8::from(odd);
    let mut all = if odd { vec![flag] } else { vec![flag, 0] };
    all.extend_from_slice(nibbles);
    all.chunks(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble)).collect()
}

fn decode_path(bytes: &[u8]) -> Option<(Path, bool)> {
    let all = nibbles(bytes);
    let (flag, rest) = all.split_first()?;
    let rest = match flag % 2 {
        1 => rest,
        _ => rest.strip_prefix(&[0])?,
    };
    (*flag < 4).then(|| (rest.to_vec(), *flag >= 2))
}
