//! Sizes as words: in attributes, and over the border.

use super::Size;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The word that tells this size from all others, by which it crosses the border.
impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(self.word())
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Size, D::Error> {
        let Word(size) = Word::deserialize(from)?;
        match size.number() {
            Some(number @ ..=-1) => {
                let got = Unexpected::Signed(number as i64);
                Err(Error::invalid_value(got, &"a size of 0 or more"))
            }
            _ => Ok(size),
        }
    }
}

/// Reads places, which may also lie below zero: `#[serde(deserialize_with = "signed")]`.
pub fn signed<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Size>, D::Error> {
    let words = Vec::<Word>::deserialize(from)?;
    Ok(words.into_iter().map(|Word(size)| size).collect())
}

struct Word(Size);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
        from.deserialize_i64(WordVisitor)
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a size")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
        let size = isize::try_from(number).map(Size);
        size.map(Word).map_err(|_| E::custom("a size below 2**63"))
    }

    fn visit_i64<E: Error>(self, word: i64) -> Result<Word, E> {
        Size::of_word(word)
            .map(Word)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(word), &self))
    }
}
