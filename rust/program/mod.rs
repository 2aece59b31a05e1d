//! Compiled graphs: one arena, a straight list of steps, and the loop over batches.

pub mod arena;
pub mod compile;
pub mod epoch;
mod explain;
pub mod kept;
pub mod step;

pub use compile::Program;

#[cfg(test)]
mod tests;
