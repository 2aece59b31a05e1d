//! Attributes of an op as they come over the border, and their checked reading.

use crate::error::{Error, Result};
use crate::tensor::DType;
use std::collections::BTreeMap;

/// One attribute's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Attr {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Ints(Vec<i64>),
}

/// Attributes by name.
pub type Attrs = BTreeMap<String, Attr>;

/// Reads an op's attributes: each must be there, of the right kind, and none may be left over.
pub struct Reader<'a> {
    op: &'a str,
    attrs: &'a Attrs,
    seen: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    pub fn new(op: &'a str, attrs: &'a Attrs) -> Self {
        Reader {
            op,
            attrs,
            seen: Vec::new(),
        }
    }

    fn get(&mut self, name: &'static str, kind: &str) -> Result<&'a Attr> {
        self.seen.push(name);
        self.attrs
            .get(name)
            .ok_or_else(|| Error::attribute(self.op, format!("{name}: {kind}"), "nothing"))
    }

    fn wrong<T>(&self, name: &str, kind: &str, got: &Attr) -> Result<T> {
        Err(Error::attribute(
            self.op,
            format!("{name}: {kind}"),
            format!("{got:?}"),
        ))
    }

    pub fn bool(&mut self, name: &'static str) -> Result<bool> {
        match self.get(name, "a bool")? {
            Attr::Bool(b) => Ok(*b),
            other => self.wrong(name, "a bool", other),
        }
    }

    pub fn int(&mut self, name: &'static str) -> Result<i64> {
        match self.get(name, "an int")? {
            Attr::Int(i) => Ok(*i),
            other => self.wrong(name, "an int", other),
        }
    }

    /// A non-negative int.
    pub fn size(&mut self, name: &'static str) -> Result<usize> {
        let i = self.int(name)?;
        usize::try_from(i)
            .map_err(|_| Error::attribute(self.op, format!("{name} >= 0"), i.to_string()))
    }

    pub fn float(&mut self, name: &'static str) -> Result<f64> {
        match self.get(name, "a float")? {
            Attr::Float(x) => Ok(*x),
            Attr::Int(i) => Ok(*i as f64),
            other => self.wrong(name, "a float", other),
        }
    }

    pub fn str(&mut self, name: &'static str) -> Result<&'a str> {
        match self.get(name, "a string")? {
            Attr::Str(s) => Ok(s),
            other => self.wrong(name, "a string", other),
        }
    }

    pub fn ints(&mut self, name: &'static str) -> Result<&'a [i64]> {
        match self.get(name, "a list of ints")? {
            Attr::Ints(v) => Ok(v),
            other => self.wrong(name, "a list of ints", other),
        }
    }

    /// A list of non-negative ints.
    pub fn sizes(&mut self, name: &'static str) -> Result<Vec<usize>> {
        let op = self.op;
        self.ints(name)?
            .iter()
            .map(|&i| {
                usize::try_from(i)
                    .map_err(|_| Error::attribute(op, format!("{name} >= 0"), i.to_string()))
            })
            .collect()
    }

    pub fn dtype(&mut self, name: &'static str) -> Result<DType> {
        let s = self.str(name)?;
        DType::from_name(s).ok_or_else(|| {
            let known: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
            Error::attribute(self.op, format!("{name}: one of {}", known.join(", ")), s)
        })
    }

    /// A name out of a table.
    pub fn one_of<T: Copy>(&mut self, name: &'static str, table: &[(&str, T)]) -> Result<T> {
        let s = self.str(name)?;
        table
            .iter()
            .find(|(known, _)| *known == s)
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let known: Vec<_> = table.iter().map(|(n, _)| *n).collect();
                Error::attribute(self.op, format!("{name}: one of {}", known.join(", ")), s)
            })
    }

    /// Refuses attributes that nobody read.
    pub fn finish(&self) -> Result<()> {
        match self
            .attrs
            .keys()
            .find(|k| !self.seen.iter().any(|s| s == k))
        {
            None => Ok(()),
            Some(extra) => Err(Error::attribute(
                self.op,
                format!("attributes {}", self.seen.join(", ")),
                extra.clone(),
            )),
        }
    }
}
