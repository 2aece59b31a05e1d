//! The core of chainrule: tensor ops, their backward passes, and whole training steps on the CPU.
//!
//! Modules depend only on those before them:
//!
//! | module    | what it holds                                                             |
//! |-----------|---------------------------------------------------------------------------|
//! | `error`   | the one error enum                                                        |
//! | `dtype`   | element types, and slices typed at run time                               |
//! | `memory`  | buffers aligned to a cache line                                           |
//! | `size`    | sizes of axes: numbers, or expressions of symbols                          |
//! | `tensor`  | shapes and owned tensors                                                  |
//! | `kernels` | slices in, slices out: SIMD, threads, GEMM, reductions; most of `unsafe`  |
//! | `run`     | how ops run: kernels made for given shapes, chains of them                |
//! | `graph`   | the trait `Op` and the graph; no concrete op                              |
//! | `ops`     | one op a file: attributes, shape rule, backward, and its kernel           |
//! | `fusions` | one fusion a file: pattern, guard, and what stands for it                 |
//! | `passes`  | autodiff, rewriting by fusions, tasks, the plan of memory                 |
//! | `program` | compiled graphs: steps, arena, the loop over batches                      |
//! | `binding` | the border to Python                                                      |

pub mod dtype;
pub mod error;
pub mod fusions;
pub mod graph;
pub mod kernels;
pub mod memory;
pub mod ops;
pub mod passes;
pub mod program;
pub mod run;
pub mod size;
pub mod tensor;

#[cfg(feature = "python")]
mod binding;
