//! Memory aligned to a cache line, read and written as typed slices.

use crate::dtype::{DType, Data, DataMut};
use memmap2::MmapMut;
use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error, Layout};
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

/// An owned, zero-initialised, cache-line-aligned block of bytes. The pages of a large one take
/// memory when they are first written.
#[derive(Debug)]
pub struct Buffer {
    ptr: NonNull<u8>,
    bytes: usize,
    source: Source,
}

/// Where a buffer's memory is from.
#[derive(Debug)]
enum Source {
    /// The heap, from so many bytes before the buffer on.
    Heap { skipped: usize },
    /// Pages that are unmapped with this value.
    Pages(#[expect(dead_code, reason = "held for its end")] MmapMut),
}

// SAFETY: the buffer owns its memory and hands out references by its own borrow.
unsafe impl Send for Buffer {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Buffer {}

impl Buffer {
    fn layout(bytes: usize) -> Layout {
        bytes
            .checked_add(ALIGN)
            .and_then(|bytes| Layout::from_size_align(bytes, GIVEN).ok())
            .expect("a buffer's size fits the address space")
    }

    /// `bytes` bytes of zeros.
    pub fn zeroed(bytes: usize) -> Self {
        match bytes < LARGE {
            true => Self::on_heap(bytes),
            false => Self::in_pages(bytes),
        }
    }

    fn on_heap(bytes: usize) -> Self {
        let layout = Self::layout(bytes);
        // SAFETY: the layout's size is not zero.
        let raw = unsafe { alloc_zeroed(layout) };
        let raw = NonNull::new(raw).unwrap_or_else(|| handle_alloc_error(layout));
        let skipped = raw.align_offset(ALIGN);
        Buffer {
            // SAFETY: less than `ALIGN` bytes on, and the layout has so many more than `bytes`.
            ptr: unsafe { raw.add(skipped) },
            bytes,
            source: Source::Heap { skipped },
        }
    }

    fn in_pages(bytes: usize) -> Self {
        let Ok(mut pages) = MmapMut::map_anon(bytes) else {
            handle_alloc_error(Self::layout(bytes))
        };
        // One fault for each huge page instead of 512, and fewer misses in the table of pages. A
        // system that refuses costs only speed.
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_FROM {
            let _ = pages.advise(memmap2::Advice::HugePage);
        }
        Buffer {
            ptr: NonNull::new(pages.as_mut_ptr()).expect("a mapping's address"),
            bytes,
            source: Source::Pages(pages),
        }
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
        assert!(
            offset.is_multiple_of(dtype.size()) && offset + len * dtype.size() <= self.bytes,
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
pub fn kept(bytes: usize) -> Buffer {
    let mut all = all_kept();
    match all.iter().position(|buffer| buffer.bytes == bytes) {
        Some(at) => all.remove(at),
        None => {
            drop(all);
            Buffer::zeroed(bytes)
        }
    }
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

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut out = Buffer::zeroed(self.bytes);
        let n = self.bytes;
        out.bytes_mut(n).copy_from_slice(self.bytes(n));
        out
    }
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
            let mut buffer = Buffer::zeroed(bytes);
            assert!(buffer.as_ptr().addr().is_multiple_of(ALIGN));
            assert!(buffer.bytes(bytes).iter().all(|b| *b == 0));
            buffer.bytes_mut(bytes).fill(7);
            assert!(buffer.clone().bytes(bytes).iter().all(|b| *b == 7));
        }
    }

    #[test]
    fn buffers_are_kept_by_size_and_within_bounds() {
        let bytes = LARGE + 192;
        let all: Vec<_> = (0..2 * MOST).map(|_| kept(bytes)).collect();
        let latest = all.last().map(|buffer| buffer.as_ptr().addr());
        all.into_iter().for_each(keep);
        assert_eq!(all_kept().len(), MOST);
        assert_eq!(Some(kept(bytes).as_ptr().addr()), latest);
        keep(Buffer::zeroed(LARGE - 1));
        keep(Buffer::zeroed(MOST_BYTES + 1));
        assert_eq!(all_kept().len(), MOST - 1);
        keep(Buffer::zeroed(MOST_BYTES));
        assert_eq!(all_kept().len(), 1);
        free_kept();
        assert_eq!(all_kept().len(), 0);
    }
}
