//! Compiled graphs: one arena, a straight list of steps, and the loop over batches.

pub mod arena;
mod clock;
pub mod compile;
pub mod epoch;
mod explain;
pub mod kept;
mod owned;
pub mod step;

pub use compile::Program;
pub use owned::owned_kernel;

#[cfg(test)]
mod tests;
