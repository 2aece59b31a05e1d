//! Looking for NaN and infinity.

use super::isa::{dispatch, Loop};
use crate::tensor::Data;

/// Elements a block: one look at the end of each.
const BLOCK: usize = 4096;

struct Finite<'a, T>(&'a [T]);

macro_rules! finite {
    ($t:ty) => {
        impl Loop for Finite<'_, $t> {
            type Out = bool;
            #[inline(always)]
            fn run(self) -> bool {
                // x - x is 0 for finite x, else NaN; NaN stays in a sum.
                self.0.chunks(BLOCK).all(|block| {
                    let mut lanes = [0.0 as $t; 16];
                    let mut chunks = block.chunks_exact(16);
                    for chunk in &mut chunks {
                        for (lane, v) in lanes.iter_mut().zip(chunk) {
                            *lane += v - v;
                        }
                    }
                    let rest: $t = chunks.remainder().iter().map(|v| v - v).sum();
                    lanes.iter().sum::<$t>() + rest == 0.0
                })
            }
        }
    };
}
finite!(f32);
finite!(f64);

/// Whether floats are all finite; integers are.
pub fn all_finite_data(data: Data) -> bool {
    match data {
        Data::F32(x) => dispatch(Finite(x)),
        Data::F64(x) => dispatch(Finite(x)),
        _ => true,
    }
}
