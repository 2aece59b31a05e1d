//! Calls into the core: with the GIL released, given up for Ctrl-C, and without panics.

use crate::error::{caught, Error, Result};
use crate::kernels::interrupt::watched;
use pyo3::ffi;
use pyo3::prelude::*;

/// Whether Ctrl-C has been pressed. Python's handlers do not run here, in the middle of an op: they might
/// read variables that are locked.
pub fn ctrl_c() -> bool {
    Python::attach(|_| {
        // SAFETY: the thread is attached. The first call clears the flag, the second sets it again.
        unsafe {
            let came = ffi::PyOS_InterruptOccurred() != 0;
            if came {
                ffi::PyErr_SetInterrupt();
            }
            came
        }
    })
}

/// Calls `f` with the GIL released. Where Ctrl-C comes meanwhile, `f` is given up, and called again if
/// the handler raises nothing. A panic becomes a RuntimeError that names `place`.
pub fn detached<T: Send>(
    py: Python<'_>,
    place: &str,
    mut f: impl FnMut() -> Result<T> + Send,
) -> PyResult<T> {
    loop {
        match py.detach(|| watched(ctrl_c, || caught(place, &mut f))) {
            Err(Error::Interrupted) => py.check_signals()?,
            other => return Ok(other?),
        }
    }
}
