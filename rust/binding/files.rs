//! Tensors in safetensors files: read whole and checked, written to the path that is given.

use super::array::{to_numpy, to_tensor};
use super::FileFormatError;
use crate::error::OutOfMemory;
use crate::kernels::narrow;
use crate::tensor::{DType, Data, DataMut, Spec, Tensor};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What holds the numbers of a file; those of halves are exact in `f32`.
fn dtype_of(stored: Dtype) -> Option<DType> {
    Some(match stored {
        Dtype::F16 | Dtype::BF16 => DType::F32,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::U8,
        Dtype::U32 => DType::U32,
        Dtype::U64 => DType::U64,
        Dtype::BOOL => DType::Bool,
        _ => return None,
    })
}

fn stored_as(dtype: DType) -> Dtype {
    match dtype {
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::I32 => Dtype::I32,
        DType::I64 => Dtype::I64,
        DType::U8 => Dtype::U8,
        DType::U32 => Dtype::U32,
        DType::U64 => Dtype::U64,
        DType::Bool => Dtype::BOOL,
    }
}

/// A format of 16 bits, whose numbers stand in `f32`.
#[derive(Clone, Copy)]
enum Half {
    F16,
    Bf16,
}

impl Half {
    fn of(stored: Dtype) -> Option<Half> {
        match stored {
            Dtype::F16 => Some(Half::F16),
            Dtype::BF16 => Some(Half::Bf16),
            _ => None,
        }
    }

    fn named(name: &str) -> Option<(Half, Dtype)> {
        match name {
            "float16" => Some((Half::F16, Dtype::F16)),
            "bfloat16" => Some((Half::Bf16, Dtype::BF16)),
            _ => None,
        }
    }

    fn read(self, bytes: &[u8], numbers: &mut [f32]) {
        for (number, pair) in numbers.iter_mut().zip(bytes.chunks_exact(2)) {
            let bits = u16::from_le_bytes([pair[0], pair[1]]);
            *number = match self {
                Half::F16 => narrow::of_f16_bits(bits),
                Half::Bf16 => narrow::of_bf16_bits(bits),
            };
        }
    }

    fn bytes(self, numbers: &[f32]) -> Vec<u8> {
        let bits = numbers.iter().map(|number| match self {
            Half::F16 => narrow::f16_bits(*number),
            Half::Bf16 => narrow::bf16_bits(*number),
        });
        bits.flat_map(u16::to_le_bytes).collect()
    }
}

type Contents = (Vec<(String, Tensor)>, HashMap<String, String>);

/// Why a file is not read.
enum Refusal {
    Format(String),
    Memory(OutOfMemory),
}

impl From<String> for Refusal {
    fn from(problem: String) -> Self {
        Refusal::Format(problem)
    }
}

impl From<OutOfMemory> for Refusal {
    fn from(error: OutOfMemory) -> Self {
        Refusal::Memory(error)
    }
}

/// Every tensor and the metadata.
fn parse(bytes: &[u8]) -> Result<Contents, Refusal> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        let dtype = dtype_of(view.dtype())
            .ok_or_else(|| format!("tensor '{name}' of the dtype {:?}", view.dtype()))?;
        let spec = Spec::new(view.shape(), dtype);
        spec.check(&name).map_err(|e| e.to_string())?;
        let half = Half::of(view.dtype());
        let size = half.map_or(spec.bytes(), |_| spec.bytes() / 2);
        if size != view.data().len() {
            return Err(format!("tensor '{name}' of {} bytes", view.data().len()).into());
        }
        let mut tensor = Tensor::zeros(spec)?;
        match (half, tensor.data_mut()) {
            (Some(half), DataMut::F32(numbers)) => half.read(view.data(), numbers),
            _ => tensor.bytes_mut().copy_from_slice(view.data()),
        }
        if dtype == DType::Bool {
            tensor
                .bytes_mut()
                .iter_mut()
                .for_each(|b| *b = (*b != 0) as u8);
        }
        tensors.push((name, tensor));
    }
    Ok((tensors, header.metadata().clone().unwrap_or_default()))
}

/// Reads a safetensors file: arrays by name, and its metadata.
#[pyfunction]
pub fn load_safetensors<'py>(
    py: Python<'py>,
    path: PathBuf,
) -> PyResult<(Bound<'py, PyDict>, HashMap<String, String>)> {
    let bytes = py.detach(|| fs::read(&path))?;
    let place = format!("file '{}'", path.display());
    let (tensors, metadata) = py
        .detach(|| parse(&bytes))
        .map_err(|refusal| match refusal {
            Refusal::Format(problem) => {
                FileFormatError::new_err(format!("{place}: expected safetensors, got {problem}"))
            }
            Refusal::Memory(error) => error.of_op(&place).into(),
        })?;
    let out = PyDict::new(py);
    for (name, tensor) in &tensors {
        out.set_item(name, to_numpy(py, tensor)?)?;
    }
    Ok((out, metadata))
}

/// Writes arrays by name, and metadata, to a safetensors file; who calls gives a temporary name and
/// renames. `halves` names the float32 arrays that are stored in 16 bits, and their formats.
#[pyfunction]
#[pyo3(signature = (path, arrays, metadata, halves = HashMap::new()))]
pub fn save_safetensors(
    py: Python<'_>,
    path: PathBuf,
    arrays: &Bound<'_, PyDict>,
    metadata: HashMap<String, String>,
    halves: HashMap<String, String>,
) -> PyResult<()> {
    let mut tensors = Vec::new();
    for (name, array) in arrays.iter() {
        tensors.push((name.extract::<String>()?, to_tensor(&array)?));
    }
    let written = py.detach(|| {
        let short: HashMap<&str, (Dtype, Vec<u8>)> = tensors
            .iter()
            .filter_map(|(name, tensor)| {
                let (half, stored) = Half::named(halves.get(name)?)?;
                match tensor.data() {
                    Data::F32(numbers) => Some((name.as_str(), (stored, half.bytes(numbers)))),
                    _ => None,
                }
            })
            .collect();
        let mut views = Vec::new();
        for (name, tensor) in &tensors {
            let spec = tensor.spec();
            let (stored, bytes) = match short.get(name.as_str()) {
                Some((stored, bytes)) => (*stored, bytes.as_slice()),
                None => (stored_as(spec.dtype), tensor.bytes()),
            };
            let view = TensorView::new(stored, spec.dims().to_vec(), bytes)
                .map_err(|e| std::io::Error::other(format!("tensor '{name}': {e}")))?;
            views.push((name, view));
        }
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(std::io::Error::other)?;
        write_whole(&path, &bytes)
    });
    Ok(written?)
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
