//! Kernels: slices in, slices out. SIMD, threads and `unsafe` live here.

pub mod attention;
pub mod columns;
pub mod conv;
pub mod cross_entropy;
pub mod ctc;
pub mod epilogue;
#[cfg(test)]
mod expressions;
pub mod finite;
pub mod float;
pub mod fold;
pub mod fourier;
pub mod gemm;
pub mod interrupt;
pub mod isa;
pub mod map;
pub mod math;
pub mod merged;
pub mod moments;
pub mod normalise;
pub mod number;
pub mod pointwise;
pub mod pool;
pub mod recurrence;
pub mod region;
pub mod resize;
pub mod rng;
pub mod room;
pub mod rows;
pub mod softmax;
pub mod strided;
pub mod team;
pub mod threads;
pub mod tile;
pub mod update;
mod vector;
pub mod warp;
