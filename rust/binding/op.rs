//! Ops over the border: their attributes are a dictionary.

use super::size::as_words;
use crate::error::Error;
use crate::graph::Op;
use crate::ops;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pythonize::{pythonize, Depythonizer};
use serde_path_to_error::{Deserializer, Track};
use std::sync::Arc;

/// The op of this name with these attributes.
pub fn op_from(name: &str, attributes: &Bound<'_, PyDict>) -> PyResult<Arc<dyn Op>> {
    let entry = ops::entry(name)?;
    let mut from = Depythonizer::from_object(attributes);
    let read = (entry.read)(&mut <dyn erased_serde::Deserializer>::erase(&mut from));
    read.or_else(|_| match as_words(attributes)? {
        Some(words) => {
            let mut from = Depythonizer::from_object(&words);
            let read = (entry.read)(&mut <dyn erased_serde::Deserializer>::erase(&mut from));
            read.map_err(|_| unreadable(entry, attributes, &words).into())
        }
        None => Err(unreadable(entry, attributes, attributes).into()),
    })
}

/// What is wrong with attributes that cannot be read, as these words.
fn unreadable(
    entry: &ops::Entry,
    attributes: &Bound<'_, PyDict>,
    words: &Bound<'_, PyAny>,
) -> Error {
    let mut track = Track::new();
    let mut from = Depythonizer::from_object(words);
    let tracked = Deserializer::new(&mut from, &mut track);
    let read = (entry.read)(&mut <dyn erased_serde::Deserializer>::erase(tracked));
    let error = match read.map(drop).map_err(|e| e.to_string()) {
        Err(text) if text.contains("too big") => "ints of 64 bits".to_string(),
        Err(text) => text,
        Ok(()) => "attributes that stay as they are".to_string(),
    };
    let path = track.path().to_string();
    let key = path.split(['.', '[']).next().unwrap_or("");
    let (expected, got) = match attributes.get_item(key) {
        Ok(Some(value)) => (format!("{path}: {error}"), value.to_string()),
        _ => (
            format!("other attributes ({error})"),
            attributes.to_string(),
        ),
    };
    Error::attribute(entry.name, expected, got)
}

/// An op's attributes.
pub fn attributes_of<'py>(py: Python<'py>, op: &dyn Op) -> PyResult<Bound<'py, PyDict>> {
    Ok(pythonize(py, op)?.cast_into()?)
}
