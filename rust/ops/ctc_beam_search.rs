//! `(paths, scores)`: the `top_paths` likeliest labellings of frames, by a search that keeps the
//! `beam_width` likeliest beginnings after each frame, and their log-probabilities, the likeliest first.
//!
//! logits (N, T, C), of which the first `lengths` (N) frames of a row count; paths (top_paths, N, T) int32,
//! -1 behind a path's labels; scores (N, top_paths). `mask_index` is the class of the blank. Where fewer
//! labellings are found, the others are empty, with a score of minus infinity. Of equal scores the path
//! with the lower label comes first where they part. A length out of range and NaN are a `DataError`. No
//! derivative.
//!
//! (Hannun et al., First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional
//! Recurrent DNNs, 2014.)

use super::check;
use super::ctc_loss::{frames_of, lengths};
use crate::error::{Error, Result};
use crate::graph::Op;
use crate::kernels::ctc::beam::{Beams, Found};
use crate::kernels::float::Float;
use crate::kernels::region::{share, IndexedParallelIterator, ParallelSliceMut};
use crate::memory::{expect_room, room};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{DType, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CtcBeamSearch {
    mask_index: usize,
    beam_width: usize,
    top_paths: usize,
}

/// Bytes that the search takes, after a frame, for each beginning and class.
const CANDIDATE: usize = 32;

impl Op for CtcBeamSearch {
    fn name(&self) -> &'static str {
        "ctc_beam_search"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [logits, length] = check::count(self.name(), inputs)?;
        frames_of(self.name(), logits, length, self.mask_index)?;
        for (name, number) in [
            ("beam_width", self.beam_width),
            ("top_paths", self.top_paths),
        ] {
            if number == 0 {
                let expected = format!("{name} of 1 or more");
                return Err(Error::attribute(self.name(), expected, "0"));
            }
        }
        let (rows, frames) = (logits.shape[0], logits.shape[1]);
        let top = Size::of(self.top_paths);
        Ok(vec![
            Spec::new([top, rows, frames], DType::I32),
            Spec::new([rows, top], logits.dtype),
        ])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let dims = inputs[0].dims();
        let (rows, frames, classes) = (dims[0], dims[1], dims[2]);
        let (name, top) = (self.name(), self.top_paths);
        let mut beams = Beams {
            classes,
            blank: self.mask_index,
            width: self.beam_width,
        };
        beams.width = beams.most(frames);
        let bytes = CANDIDATE
            .saturating_mul(beams.width)
            .saturating_mul(classes);
        expect_room(bytes).map_err(|e| e.of_op(name))?;
        let size = frames * classes;
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let logits = io.inputs[0].slice::<T>();
            let lengths = lengths(name, &io.inputs[1], frames, "frames")?;
            let row = |row: usize| &logits[row * size..][..lengths[row] * classes];
            if let Some(at) = (0..rows).find(|at| row(*at).iter().any(|x| x.is_nan())) {
                return Err(Error::data(name, "logits that are numbers", format!("NaN in row {at}")));
            }
            let mut found: Vec<Vec<Found>> = room(Vec::new(), rows);
            share(found.par_chunks_mut(1).enumerate(), |(at, found)| {
                found[0] = beams.search(row(at), top);
            });
            let (paths, scores) = io.outputs.split_at_mut(1);
            let (paths, scores) = (paths[0].slice::<i32>(), scores[0].slice::<T>());
            paths.fill(-1);
            scores.fill(T::NEG_INFINITY);
            for (at, found) in found.iter().enumerate() {
                for (place, (labels, score)) in found.iter().enumerate() {
                    scores[at * top + place] = <T as Float>::from_f64(*score);
                    let path = &mut paths[(place * rows + at) * frames..];
                    for (to, label) in path.iter_mut().zip(labels) {
                        *to = *label as i32;
                    }
                }
            }
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
