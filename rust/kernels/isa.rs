//! Which instruction set runs, and plain Rust loops compiled once for each of them.
//!
//! A kernel is written once, as a loop over slices with `mul_add`. [`dispatch`] runs a copy of it
//! that was compiled for the instruction set in use. Every copy performs the same operations on
//! the same element, so the results have the same bits; only the number of lanes differs.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

/// The environment variable that forces an instruction set.
pub const ISA_VARIABLE: &str = "CHAINRULE_ISA";

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Isa {
    /// What the target always has. On x86-64 a fused multiply-add is then a function call.
    Scalar = 1,
    /// AVX2 and FMA: 8 `f32` a vector.
    Avx2 = 2,
    /// AVX-512 F, VL, BW and DQ: 16 `f32` a vector.
    Avx512 = 3,
    /// What every 64-bit Arm has: 4 `f32` a vector.
    Neon = 4,
}

impl Isa {
    /// Every instruction set, the widest last on each architecture.
    pub const ALL: [Isa; 4] = [Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512];

    /// The name that `CHAINRULE_ISA` takes.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
        }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar => true,
            Isa::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => false,
        }
    }

    /// The widest that this machine has.
    pub fn best() -> Isa {
        Isa::ALL
            .into_iter()
            .rfind(|i| i.is_available())
            .unwrap_or(Isa::Scalar)
    }

    fn from_code(code: u8) -> Option<Isa> {
        Isa::ALL.into_iter().find(|i| *i as u8 == code)
    }

    fn from_name(name: &str) -> Result<Isa, String> {
        let available: Vec<_> = Isa::ALL
            .into_iter()
            .filter(|i| i.is_available())
            .map(Isa::name)
            .collect();
        Isa::ALL
            .into_iter()
            .find(|i| i.name() == name && i.is_available())
            .ok_or_else(|| {
                let expected = available.join(", ");
                format!("{ISA_VARIABLE}: expected one of {expected} on this machine, got {name:?}")
            })
    }
}

/// The instruction set in use; 0 until the first call.
static CURRENT: AtomicU8 = AtomicU8::new(0);

/// What `CHAINRULE_ISA` asks for, or the widest available where it is unset or empty.
///
/// # Errors
/// The variable names an instruction set that is unknown or that this machine lacks.
pub fn selected() -> Result<Isa, String> {
    match std::env::var_os(ISA_VARIABLE) {
        Some(name) if !name.is_empty() => Isa::from_name(&name.to_string_lossy()),
        _ => Ok(Isa::best()),
    }
}

/// The instruction set in use: what [`selected`] says at the first call (the widest available
/// where it refuses), or the last [`set_isa`].
#[inline]
pub fn isa() -> Isa {
    Isa::from_code(CURRENT.load(Relaxed)).unwrap_or_else(first_isa)
}

#[cold]
fn first_isa() -> Isa {
    let isa = selected().unwrap_or_else(|_| Isa::best());
    CURRENT.store(isa as u8, Relaxed);
    isa
}

/// Whether the processor is Intel's: products are cut for its caches, with the same bits.
pub fn is_intel() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        static VENDOR: OnceLock<bool> = OnceLock::new();
        *VENDOR.get_or_init(|| {
            let vendor = std::arch::x86_64::__cpuid(0);
            [vendor.ebx, vendor.edx, vendor.ecx]
                .map(u32::to_le_bytes)
                .concat()
                == *b"GenuineIntel"
        })
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Uses this instruction set from now on, in every thread. Results keep the same bits.
///
/// # Errors
/// This machine lacks it.
pub fn set_isa(isa: Isa) -> Result<(), String> {
    let isa = Isa::from_name(isa.name())?;
    CURRENT.store(isa as u8, Relaxed);
    Ok(())
}

/// How far ahead of what is read memory is asked for, in bytes: across the pages where the hardware
/// stops to look ahead.
const AHEAD: usize = 1 << 14;

/// Asks for the memory that comes a while after `x`, which a lone stream of reads waits for otherwise.
#[inline(always)]
pub fn look_ahead<T>(x: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..size_of_val(x) / 64 {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        let place = x.as_ptr().cast::<i8>().wrapping_add(AHEAD + 64 * line);
        // SAFETY: a hint, which reads nothing and never fails, wherever the address points.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, AHEAD);
}

/// Asks for the memory at `place`, to lie in the second-level cache some while later.
#[inline(always)]
pub fn ask_for(place: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..bytes.div_ceil(64) {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T1};
        let place = place.cast::<i8>().wrapping_add(64 * line);
        // SAFETY: a hint, which reads nothing and never fails, wherever the address points.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(place) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (place, bytes);
}

/// A computation that [`dispatch`] compiles for every instruction set.
///
/// `run`, and every closure and function that it calls in a loop, must be `#[inline(always)]`:
/// code that is not inlined is compiled for the baseline only.
pub trait Loop {
    type Out;
    fn run(self) -> Self::Out;
}

/// Runs the loop's copy for the instruction set in use.
#[inline]
pub fn dispatch<K: Loop>(kernel: K) -> K::Out {
    // SAFETY: `isa` gives only what this machine has.
    unsafe { run_on(isa(), kernel) }
}

/// Runs the kernel's copy for one instruction set, or the baseline copy where this build has none.
///
/// # Panics
/// The machine lacks the instruction set.
#[inline]
pub fn dispatch_on<K: Loop>(isa: Isa, kernel: K) -> K::Out {
    assert!(isa.is_available(), "this machine has no {}", isa.name());
    // SAFETY: the machine has it (checked).
    unsafe { run_on(isa, kernel) }
}

/// # Safety
/// The machine has the instruction set.
#[inline]
unsafe fn run_on<K: Loop>(isa: Isa, kernel: K) -> K::Out {
    match isa {
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { run_avx512(kernel) },
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { run_avx2(kernel) },
        _ => kernel.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
fn run_avx512<K: Loop>(kernel: K) -> K::Out {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Loop>(kernel: K) -> K::Out {
    kernel.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Axpy<'a> {
        a: f32,
        x: &'a [f32],
        y: &'a mut [f32],
    }

    impl Loop for Axpy<'_> {
        type Out = ();
        #[inline(always)]
        fn run(self) {
            for (y, x) in self.y.iter_mut().zip(self.x) {
                *y = self.a.mul_add(*x, *y);
            }
        }
    }

    #[test]
    fn every_isa_gives_the_same_bits() {
        let x: Vec<f32> = (0..1003).map(|i| (i as f32 * 0.37).sin()).collect();
        let run = |isa| {
            let mut y: Vec<f32> = x.iter().rev().copied().collect();
            dispatch_on(
                isa,
                Axpy {
                    a: 1.1,
                    x: &x,
                    y: &mut y,
                },
            );
            y.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        let expected = run(Isa::Scalar);
        for isa in Isa::ALL.into_iter().filter(|i| i.is_available()) {
            assert_eq!(run(isa), expected, "{isa:?}");
        }
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(Isa::from_name("scalar"), Ok(Isa::Scalar));
        let message = Isa::from_name("sse9").unwrap_err();
        assert!(
            message.contains("sse9") && message.contains("scalar"),
            "{message}"
        );
        let foreign = if cfg!(target_arch = "aarch64") {
            Isa::Avx2
        } else {
            Isa::Neon
        };
        assert!(set_isa(foreign).is_err());
        assert!(set_isa(Isa::best()).is_ok());
        assert_eq!(isa(), Isa::best());
    }
}
