//! Memory aligned to a cache line, read and written as typed slices.

use crate::dtype::{DType, Data, DataMut};
use crate::error::{unwind, OutOfMemory};
use memmap2::MmapMut;
use std::alloc::{alloc_zeroed, dealloc, Layout};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

/// Alignment of every buffer and of every value inside one, in bytes.
pub const ALIGN: usize = 64;

/// Alignment that the system's allocator gives by itself: for more it would write the zeros instead
/// of taking pages that hold them.
const GIVEN: usize = 16;

/// Buffers from this size on have pages of their own, which go back to the system with them (the
/// heap may hold on to its own), and are kept by [`keep`].
pub const LARGE: usize = 1 << 20;

/// Buffers of this size on ask for huge pages.
#[cfg(target_os = "linux")]
const HUGE_FROM: usize = 4 << 20;

/// Buffers of this size on are refused where so much is not free. A system that promises more than it
/// has would end the process when they are written.
const VAST: usize = 1 << 30;

/// An owned, zero-initialised, cache-line-aligned block of bytes. The pages of a large one take
/// memory when they are first written.
#[derive(Debug)]
pub struct Buffer {
    ptr: NonNull<u8>,
    bytes: usize,
    source: Source,
}

/// As a cache line.
#[repr(align(64))]
struct Aligned;

/// Where a buffer's memory is from.
#[derive(Debug)]
enum Source {
    Nothing,
    /// The heap, from so many bytes before the buffer on.
    Heap {
        skipped: usize,
    },
    /// Pages that are unmapped with this value.
    Pages(#[expect(dead_code, reason = "held for its end")] MmapMut),
}

// SAFETY: the buffer owns its memory and hands out references by its own borrow.
unsafe impl Send for Buffer {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// The layout of a small buffer on the heap.
    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes + ALIGN, GIVEN).expect("a small buffer's layout")
    }

    /// A buffer of no bytes, which takes no memory.
    pub const fn empty() -> Self {
        Buffer {
            ptr: NonNull::<Aligned>::dangling().cast(),
            bytes: 0,
            source: Source::Nothing,
        }
    }

    /// `bytes` bytes of zeros.
    pub fn zeroed(bytes: usize) -> Result<Self, OutOfMemory> {
        let made = match bytes {
            0 => Some(Self::empty()),
            _ if bytes < LARGE => Self::on_heap(bytes),
            _ if bytes >= VAST && available().is_some_and(|free| free < bytes) => None,
            _ => Self::in_pages(bytes),
        };
        made.ok_or_else(|| OutOfMemory {
            bytes,
            available: available(),
        })
    }

    fn on_heap(bytes: usize) -> Option<Self> {
        // SAFETY: the layout's size is not zero.
        let raw = NonNull::new(unsafe { alloc_zeroed(Self::layout(bytes)) })?;
        let skipped = raw.align_offset(ALIGN);
        Some(Buffer {
            // SAFETY: less than `ALIGN` bytes on, and the layout has so many more than `bytes`.
            ptr: unsafe { raw.add(skipped) },
            bytes,
            source: Source::Heap { skipped },
        })
    }

    fn in_pages(bytes: usize) -> Option<Self> {
        let mut pages = MmapMut::map_anon(bytes).ok()?;
        // One fault for each huge page instead of 512, and fewer misses in the table of pages. A
        // system that refuses costs only speed.
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_FROM {
            let _ = pages.advise(memmap2::Advice::HugePage);
        }
        Some(Buffer {
            ptr: NonNull::new(pages.as_mut_ptr())?,
            bytes,
            source: Source::Pages(pages),
        })
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    fn check(&self, dtype: DType, offset: usize, len: usize) {
        let end = len
            .checked_mul(dtype.size())
            .and_then(|n| n.checked_add(offset));
        assert!(
            offset.is_multiple_of(dtype.size()) && end.is_some_and(|end| end <= self.bytes),
            "a view of {len} {dtype} at byte {offset} of {}",
            self.bytes
        );
    }

    /// `len` elements from byte `offset` on.
    pub fn data(&self, dtype: DType, offset: usize, len: usize) -> Data<'_> {
        self.check(dtype, offset, len);
        // SAFETY: in bounds and aligned (checked), borrowed from self.
        unsafe { data_at(self.as_ptr(), dtype, offset, len) }
    }

    /// As [`Buffer::data`], to write.
    pub fn data_mut(&mut self, dtype: DType, offset: usize, len: usize) -> DataMut<'_> {
        self.check(dtype, offset, len);
        // SAFETY: in bounds and aligned (checked), borrowed mutably from self.
        unsafe { data_mut_at(self.as_ptr(), dtype, offset, len) }
    }

    pub fn bytes(&self, len: usize) -> &[u8] {
        assert!(len <= self.bytes);
        // SAFETY: in bounds, initialised, borrowed from self.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), len) }
    }

    pub fn bytes_mut(&mut self, len: usize) -> &mut [u8] {
        assert!(len <= self.bytes);
        // SAFETY: in bounds, initialised, borrowed mutably from self.
        unsafe { std::slice::from_raw_parts_mut(self.as_ptr(), len) }
    }
}

/// How many buffers are kept, and their bytes.
const MOST: usize = 8;
const MOST_BYTES: usize = 256 << 20;

/// What [`kept`] may give out, the latest first.
static KEPT: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());

fn all_kept() -> MutexGuard<'static, Vec<Buffer>> {
    KEPT.lock().unwrap_or_else(|e| e.into_inner())
}

/// A buffer of this size that was kept, holding anything, or a new one.
pub fn kept(bytes: usize) -> Result<Buffer, OutOfMemory> {
    let mut all = all_kept();
    match all.iter().position(|buffer| buffer.bytes == bytes) {
        Some(at) => Ok(all.remove(at)),
        None => {
            drop(all);
            Buffer::zeroed(bytes).or_else(|_| {
                free_kept();
                Buffer::zeroed(bytes)
            })
        }
    }
}

/// Refuses what memory cannot hold, before anything is computed for it.
pub fn expect_room(bytes: usize) -> Result<(), OutOfMemory> {
    match bytes >= VAST && available().is_some_and(|free| free < bytes) {
        true => Err(OutOfMemory {
            bytes,
            available: available(),
        }),
        false => Ok(()),
    }
}

/// Room for `more` elements, or unwinds where there is no memory for them.
pub fn reserve<T>(out: &mut Vec<T>, more: usize) {
    if out.try_reserve(more).is_err() {
        unwind(OutOfMemory {
            bytes: more.saturating_mul(size_of::<T>()),
            available: available(),
        });
    }
}

/// `len` times `x`, or unwinds where there is no memory for them: kernels return nothing.
pub fn room<T: Clone>(x: T, len: usize) -> Vec<T> {
    let mut out = Vec::new();
    reserve(&mut out, len);
    out.resize(len, x);
    out
}

/// Bytes that this process could still take, where the system says.
#[cfg(target_os = "linux")]
fn available() -> Option<usize> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let info = read("/proc/meminfo")?;
    let kilobytes = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        line.split_ascii_whitespace().nth(1)?.parse::<usize>().ok()
    };
    let free = kilobytes("MemAvailable:")?.saturating_add(kilobytes("SwapFree:").unwrap_or(0));
    let free = free.saturating_mul(1024);
    // The group of a container, by either version; "max" is no number.
    let number = |path: &str| read(path)?.trim().parse::<usize>().ok();
    let left = |limit: &str, used: &str| Some(number(limit)?.saturating_sub(number(used)?));
    let group = left("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current").or_else(|| {
        let folder = "/sys/fs/cgroup/memory/memory.";
        left(
            &format!("{folder}limit_in_bytes"),
            &format!("{folder}usage_in_bytes"),
        )
    });
    Some(group.map_or(free, |group| group.min(free)))
}

#[cfg(not(target_os = "linux"))]
fn available() -> Option<usize> {
    None
}

/// Keeps a large buffer for the next use of its size: fresh pages cost as much time as most ops take
/// to fill them. The latest buffers are kept, up to 8 and 256 MB; the others are freed.
pub fn keep(buffer: Buffer) {
    if !(LARGE..=MOST_BYTES).contains(&buffer.bytes) {
        return;
    }
    let mut all = all_kept();
    all.insert(0, buffer);
    let mut sum = 0;
    let fits = |buffer: &&Buffer| {
        sum += buffer.bytes;
        sum <= MOST_BYTES
    };
    let count = all.iter().take(MOST).take_while(fits).count();
    let freed = all.split_off(count);
    drop(all);
    drop(freed);
}

/// Frees the buffers that are kept.
pub fn free_kept() {
    let freed = std::mem::take(&mut *all_kept());
    drop(freed);
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Source::Heap { skipped } = self.source {
            // SAFETY: allocated with this layout, once, `skipped` bytes before.
            unsafe { dealloc(self.as_ptr().sub(skipped), Self::layout(self.bytes)) }
        }
    }
}

/// A typed slice at `base + offset` bytes.
///
/// # Safety
/// The range must lie in one live allocation, be aligned for the dtype, and not be written while
/// the slice lives.
pub(crate) unsafe fn data_at<'a>(
    base: *const u8,
    dtype: DType,
    offset: usize,
    len: usize,
) -> Data<'a> {
    use std::slice::from_raw_parts as raw;
    // SAFETY: the caller's promise.
    unsafe {
        let p = base.add(offset);
        match dtype {
            DType::F32 => Data::F32(raw(p.cast(), len)),
            DType::F64 => Data::F64(raw(p.cast(), len)),
            DType::I32 => Data::I32(raw(p.cast(), len)),
            DType::I64 => Data::I64(raw(p.cast(), len)),
            DType::U32 => Data::U32(raw(p.cast(), len)),
            DType::U64 => Data::U64(raw(p.cast(), len)),
            DType::U8 | DType::Bool => Data::U8(raw(p, len)),
        }
    }
}

/// As [`data_at`], to write.
///
/// # Safety
/// As for [`data_at`], and nothing else may read or write the range while the slice lives.
pub(crate) unsafe fn data_mut_at<'a>(
    base: *mut u8,
    dtype: DType,
    offset: usize,
    len: usize,
) -> DataMut<'a> {
    use std::slice::from_raw_parts_mut as raw;
    // SAFETY: the caller's promise.
    unsafe {
        let p = base.add(offset);
        match dtype {
            DType::F32 => DataMut::F32(raw(p.cast(), len)),
            DType::F64 => DataMut::F64(raw(p.cast(), len)),
            DType::I32 => DataMut::I32(raw(p.cast(), len)),
            DType::I64 => DataMut::I64(raw(p.cast(), len)),
            DType::U32 => DataMut::U32(raw(p.cast(), len)),
            DType::U64 => DataMut::U64(raw(p.cast(), len)),
            DType::U8 | DType::Bool => DataMut::U8(raw(p, len)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_buffers_are_aligned_zeros() {
        for bytes in [0, 1, 63, 64, 1000, LARGE, 5 << 20] {
            let mut buffer = Buffer::zeroed(bytes).unwrap();
            assert!(buffer.as_ptr().addr().is_multiple_of(ALIGN));
            assert!(buffer.bytes(bytes).iter().all(|b| *b == 0));
            buffer.bytes_mut(bytes).fill(7);
            assert!(buffer.bytes(bytes).iter().all(|b| *b == 7));
        }
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_error() {
        for bytes in [1 << 45, isize::MAX as usize, usize::MAX] {
            assert_eq!(Buffer::zeroed(bytes).unwrap_err().bytes, bytes);
            assert_eq!(kept(bytes).unwrap_err().bytes, bytes);
            let unwound = crate::error::caught::<()>("op", || {
                room(0u8, bytes);
                Ok(())
            });
            assert!(matches!(unwound, Err(crate::error::Error::Memory(_))));
        }
    }

    #[test]
    fn buffers_are_kept_by_size_and_within_bounds() {
        let bytes = LARGE + 192;
        let all: Vec<_> = (0..2 * MOST).map(|_| kept(bytes).unwrap()).collect();
        let latest = all.last().map(|buffer| buffer.as_ptr().addr());
        all.into_iter().for_each(keep);
        assert_eq!(all_kept().len(), MOST);
        assert_eq!(Some(kept(bytes).unwrap().as_ptr().addr()), latest);
        keep(Buffer::zeroed(LARGE - 1).unwrap());
        keep(Buffer::zeroed(MOST_BYTES + 1).unwrap());
        assert_eq!(all_kept().len(), MOST - 1);
        keep(Buffer::zeroed(MOST_BYTES).unwrap());
        assert_eq!(all_kept().len(), 1);
        free_kept();
        assert_eq!(all_kept().len(), 0);
    }
}
