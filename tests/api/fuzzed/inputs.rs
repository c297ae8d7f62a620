//! Inputs for the properties: the seeds, and what becomes of them by edits, as a fuzzer would make them without looking at
//! the code.

use std::fmt;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Bytes that a failure shows in a form that can be put into a file: `printf '…' > fuzz/seeds/…`.
#[derive(Clone)]
pub(super) struct Input(pub(super) Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// The committed seeds of a target, with their names.
pub(super) fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let entries = folder.read_dir().unwrap().map(Result::unwrap);
    let mut seeds: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

/// One thing that is done to an input.
#[derive(Debug, Clone)]
enum Edit {
    Put(Index, u8),
    Insert(Index, Vec<u8>),
    Flip(Index, u8),
    Cut(Index, Index),
    /// The middle of another seed at this place.
    Splice(Index, Index, Index, Index),
    Repeat(Index, Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(place, byte)| Edit::Put(place, byte)),
        (at(), vec(any::<u8>(), 1..6)).prop_map(|(place, bytes)| Edit::Insert(place, bytes)),
        (at(), 0..8_u8).prop_map(|(place, bit)| Edit::Flip(place, bit)),
        (at(), at()).prop_map(|(from, to)| Edit::Cut(from, to)),
        (at(), at(), at(), at())
            .prop_map(|(place, seed, from, to)| Edit::Splice(place, seed, from, to)),
        (at(), at(), 2..40_usize).prop_map(|(from, to, times)| Edit::Repeat(from, to, times)),
    ]
}

impl Edit {
    fn make(self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let length = input.len();
        let place = |index: Index| index.index(length + 1);
        let piece = |of: &[u8], from: Index, to: Index| {
            let (from, to) = (from.index(of.len() + 1), to.index(of.len() + 1));
            of[from.min(to)..from.max(to)].to_vec()
        };
        match self {
            Self::Put(index, byte) if length > 0 => input[index.index(length)] = byte,
            Self::Flip(index, bit) if length > 0 => input[index.index(length)] ^= 1 << bit,
            Self::Put(_, byte) | Self::Flip(_, byte) => input.push(byte),
            Self::Insert(index, bytes) => drop(input.splice(place(index)..place(index), bytes)),
            Self::Cut(from, to) => {
                let (from, to) = (place(from), place(to));
                input.drain(from.min(to)..from.max(to));
            }
            Self::Splice(index, seed, from, to) => {
                let bytes = piece(&seeds[seed.index(seeds.len())], from, to);
                input.splice(place(index)..place(index), bytes);
            }
            Self::Repeat(from, to, times) => {
                let bytes = piece(input, from, to).repeat(times);
                input.splice(place(from)..place(from), bytes);
            }
        }
        // Longer than whatever has a limit here.
        input.truncate(8_192);
    }
}

/// Seeds with up to eight edits, and now and then nothing but random bytes.
pub(super) fn made_of(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Input> {
    let edited = (any::<Index>(), vec(edit(), 0..8)).prop_map(move |(seed, edits)| {
        let mut input = seed.get(&seeds).clone();
        for edit in edits {
            edit.make(&mut input, &seeds);
        }
        Input(input)
    });
    prop_oneof![
        9 => edited,
        1 => vec(any::<u8>(), 0..600).prop_map(Input),
    ]
}
