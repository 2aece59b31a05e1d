//! Attributes that are one of several names over the border: `#[serde(with = "named")]`.

use crate::kernels::epilogue::Activation;
use crate::tensor::DType;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

/// Values that have names.
pub trait Named: Copy + PartialEq + 'static {
    /// Every value with its name.
    fn table() -> Vec<(&'static str, Self)>;
}

/// The names, in the table's order.
pub fn names<T: Named>() -> Vec<&'static str> {
    T::table().into_iter().map(|(name, _)| name).collect()
}

/// The name of a value; none where its table lacks it.
pub fn name_of<T: Named>(value: T) -> Option<&'static str> {
    let entry = T::table().into_iter().find(|(_, v)| *v == value);
    entry.map(|(name, _)| name)
}

pub fn serialize<T: Named, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    match name_of(*value) {
        Some(name) => to.serialize_str(name),
        None => Err(serde::ser::Error::custom("a value without a name")),
    }
}

pub fn deserialize<'de, T: Named, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let given = String::deserialize(from)?;
    let entry = T::table().into_iter().find(|(name, _)| *name == given);
    let value = entry.map(|(_, value)| value);
    value.ok_or_else(|| D::Error::custom(format!("one of {}", names::<T>().join(", "))))
}

impl Named for Activation {
    fn table() -> Vec<(&'static str, Self)> {
        Activation::TABLE.to_vec()
    }
}

impl Named for DType {
    fn table() -> Vec<(&'static str, Self)> {
        DType::ALL.map(|dtype| (dtype.name(), dtype)).to_vec()
    }
}
