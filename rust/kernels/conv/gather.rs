//! Every element of a result gathered from a source: the forward pass, and the gradient by input.
//!
//! Positions are cut into boxes inside which the same taps lie inside the image. So padding is
//! never stored and never multiplied, and within a box the sum of every position is the same list of
//! segments, read from the image where it lies.

use super::axis::{Span, Walk};
use super::tiles::{Element, Gather, Pixel, Segment, Tiles, WIDEST};
use crate::kernels::piece::Follow;
use crate::kernels::region::{share, IntoParallelIterator};
use std::cell::RefCell;
use std::ops::Range;

/// Multiply-adds that one task is worth.
const TASK: usize = 500_000;
/// Bytes that one task should read or write at the most: they stay in the second-level cache.
const BLOCK_BYTES: usize = 256 << 10;
/// As many with what its follower reads.
const FOLLOWED_BYTES: usize = 384 << 10;
/// Images of one task, where they are small: the few positions in a corner of all of them fill a tile.
const TOGETHER: usize = 8;
/// Tasks that images are not put together below.
const MIN_TASKS: usize = 16;

/// What all parts of one computation share. Counts of channels are of one group.
pub(super) struct Job<'a, T: 'static> {
    pub tiles: &'static Tiles<T>,
    pub batch: usize,
    pub groups: usize,
    pub source: &'a [T],
    pub source_shape: [usize; 3],
    pub depth: usize,
    pub result: *mut T,
    pub result_shape: [usize; 3],
    pub width: usize,
    pub bias: Option<&'a [T]>,
    pub relu: bool,
}

// SAFETY: the source is only read; tasks write disjoint positions of the result.
unsafe impl<T: Sync> Sync for Job<'_, T> {}

/// Positions that interleave with those of other parts (one phase of a strided gradient), with
/// the packed kernel of their taps.
pub(super) struct Part<'a, T> {
    walks: [Walk; 3],
    boxes: Vec<Cut>,
    kernel: &'a [T],
    /// Rows of the packed kernel.
    rows: usize,
}

/// A box of positions, and the segments of their sums.
struct Cut {
    positions: [Range<usize>; 3],
    segments: Vec<Segment>,
}

impl<'a, T: Element> Part<'a, T> {
    /// Packs the taps of `walks` from a kernel whose tap `(d, h, w)` holds, at `tap_size` elements
    /// from tap to tap, source channel `c` and result channel `n` of group `g` at
    /// `g * group_step + c * row_step + n * col_step`. Gives the part and what is left of `room`.
    pub fn pack(
        job: &Job<'_, T>,
        walks: [Walk; 3],
        kernel_shape: [usize; 3],
        tap_size: usize,
        (group_step, row_step, col_step): (usize, usize, usize),
        kernel: &[T],
        room: &'a mut [T],
    ) -> (Self, &'a mut [T]) {
        let rows = walks.iter().map(|w| w.taps.len()).product::<usize>() * job.depth;
        let padded = job.width.next_multiple_of(job.tiles.lanes);
        let (packed, left) = room.split_at_mut(job.groups * rows * padded);
        let mut at = 0;
        for group in 0..job.groups {
            for columns in strips(job.width, job.tiles.lanes) {
                let width = columns.len().next_multiple_of(job.tiles.lanes);
                for d in &walks[0].taps {
                    for h in &walks[1].taps {
                        for w in &walks[2].taps {
                            let tap = (d.kernel * kernel_shape[1] + h.kernel) * kernel_shape[2]
                                + w.kernel;
                            let from = tap * tap_size + group * group_step;
                            for c in 0..job.depth {
                                let row = &mut packed[at..at + width];
                                let first = from + c * row_step + columns.start * col_step;
                                for (j, to) in row.iter_mut().enumerate() {
                                    *to = if j < columns.len() {
                                        kernel[first + j * col_step]
                                    } else {
                                        T::ZERO
                                    };
                                }
                                at += width;
                            }
                        }
                    }
                }
            }
        }
        let boxes = boxes(&walks, job);
        let part = Part {
            walks,
            boxes,
            kernel: packed,
            rows,
        };
        (part, left)
    }
}

/// Elements of the packed kernel of `rows` rows in all groups, for any instruction set.
pub(super) fn packed_len(groups: usize, rows: usize, width: usize, lanes: usize) -> usize {
    groups * rows * width.next_multiple_of(lanes)
}

/// The columns of the result, as many at a time as a tile is wide.
fn strips(width: usize, lanes: usize) -> impl Iterator<Item = Range<usize>> {
    let widest = WIDEST * lanes;
    (0..width)
        .step_by(widest)
        .map(move |start| start..width.min(start + widest))
}

/// The boxes of all positions, each with the segments of its taps.
fn boxes<T>(walks: &[Walk; 3], job: &Job<'_, T>) -> Vec<Cut> {
    let channels = job.groups * job.depth;
    let [_, height, width] = job.source_shape;
    let [spans_d, spans_h, spans_w] = [0, 1, 2].map(|a| walks[a].spans());
    let [taps_d, taps_h, taps_w] = [0, 1, 2].map(|a| &walks[a].taps);
    // Along the last axis, taps that are neighbours in the image make one segment.
    let joined = job.groups == 1 && taps_w.windows(2).all(|t| t[1].shift == t[0].shift + 1);
    let segments = |d: &Span, h: &Span, w: &Span| {
        let mut list = Vec::new();
        for td in d.taps.clone() {
            for th in h.taps.clone() {
                let line = taps_d[td].shift * height as isize + taps_h[th].shift;
                let row = (td * taps_h.len() + th) * taps_w.len();
                let mut add = |taps: Range<usize>| {
                    list.push(Segment {
                        shift: (line * width as isize + taps_w[taps.start].shift)
                            * channels as isize,
                        row: (row + taps.start) * job.depth,
                        len: taps.len() * job.depth,
                    });
                };
                match joined {
                    true if w.taps.is_empty() => {}
                    true => add(w.taps.clone()),
                    false => w.taps.clone().for_each(|tw| add(tw..tw + 1)),
                }
            }
        }
        list
    };
    let mut all = Vec::new();
    for d in &spans_d {
        for h in &spans_h {
            for w in &spans_w {
                all.push(Cut {
                    positions: [d, h, w].map(|s| s.positions.clone()),
                    segments: segments(d, h, w),
                });
            }
        }
    }
    all
}

/// How the work is cut: images, and along the first axis that has more than one position.
struct Cuts {
    images: usize,
    image_blocks: usize,
    axis: usize,
    axis_blocks: usize,
}

impl Cuts {
    fn new<T>(job: &Job<'_, T>, parts: &[Part<'_, T>], follow: &dyn Follow) -> Cuts {
        let work = |p: &Part<T>| {
            let positions: usize = p.walks.iter().map(|w| w.count).product();
            positions * p.rows * job.width * job.groups
        };
        let work: usize = parts.iter().map(work).sum::<usize>().max(1);
        let source = job.source_shape.iter().product::<usize>() * job.groups * job.depth;
        let result = job.result_shape.iter().product::<usize>() * job.groups * job.width;
        let read = source * size_of::<T>();
        let all = read + result * size_of::<T>();
        let followed = all + result * follow.reads();
        let axis = (0..2).find(|a| job.result_shape[*a] > 1).unwrap_or(2);
        let longest = job.result_shape[axis];
        let few = if job.batch < MIN_TASKS {
            work / TASK
        } else {
            1
        };
        let fit = (BLOCK_BYTES / all.max(1)).min(FOLLOWED_BYTES / followed.max(1));
        let small = fit.clamp(1, TOGETHER);
        let images = (TASK / work).max(small.min(job.batch / MIN_TASKS)).max(1);
        Cuts {
            images: job.batch,
            image_blocks: job.batch.div_ceil(images),
            axis,
            axis_blocks: read.div_ceil(BLOCK_BYTES).max(few).clamp(1, longest.max(1)),
        }
    }

    fn images(&self, block: usize) -> Range<usize> {
        block * self.images / self.image_blocks..(block + 1) * self.images / self.image_blocks
    }

    /// The positions of `count` that a block of the axis takes.
    fn positions(&self, block: usize, count: usize) -> Range<usize> {
        block * count / self.axis_blocks..(block + 1) * count / self.axis_blocks
    }
}

thread_local! {
    static PIXELS: RefCell<Vec<Pixel>> = const { RefCell::new(Vec::new()) };
}

/// Computes every position of every part.
pub(super) fn gather<T: Element>(job: &Job<'_, T>, parts: &[Part<'_, T>], follow: &dyn Follow) {
    let cuts = Cuts::new(job, parts, follow);
    let image: usize = job.result_shape.iter().product::<usize>() * job.groups * job.width;
    // What a task makes lies in one piece an image, unless the positions of parts interleave.
    let in_pieces = cuts.axis_blocks == 1 || parts.len() == 1;
    let tasks = (0..cuts.image_blocks * cuts.axis_blocks).into_par_iter();
    share(tasks, |task| {
        let images = cuts.images(task / cuts.axis_blocks);
        let block = task % cuts.axis_blocks;
        PIXELS.with_borrow_mut(|pixels| {
            for part in parts {
                let limits = cuts.positions(block, part.walks[cuts.axis].count);
                for cut in &part.boxes {
                    let mut positions = cut.positions.clone();
                    let along = &mut positions[cuts.axis];
                    *along = along.start.max(limits.start)..along.end.min(limits.end);
                    list_pixels(job, part, images.clone(), &positions, pixels);
                    // SAFETY: tasks take disjoint positions.
                    unsafe { run_box(job, part, &cut.segments, pixels, follow) };
                }
            }
        });
        if in_pieces {
            let longest = job.result_shape[cuts.axis];
            let along = cuts.positions(block, longest);
            let line = image / longest;
            for at in images {
                let start = at * image;
                // SAFETY: this task has made these elements, which no other one touches.
                unsafe {
                    follow.made(
                        job.result.cast(),
                        start + along.start * line..start + along.end * line,
                    );
                }
            }
        }
    });
    if !in_pieces {
        // SAFETY: every task is done.
        unsafe { follow.made(job.result.cast(), 0..job.batch * image) };
    }
}

/// Where each position of a box, image by image, reads and writes.
fn list_pixels<T>(
    job: &Job<'_, T>,
    part: &Part<'_, T>,
    images: Range<usize>,
    [d, h, w]: &[Range<usize>; 3],
    pixels: &mut Vec<Pixel>,
) {
    pixels.clear();
    let [walk_d, walk_h, walk_w] = &part.walks;
    let (source, result) = (job.source_shape, job.result_shape);
    let (source_channels, result_channels) = (job.groups * job.depth, job.groups * job.width);
    for image in images {
        for d in d.clone() {
            for h in h.clone() {
                let from = (image * source[0] + d * walk_d.stride) * source[1] + h * walk_h.stride;
                let to = (image * result[0] + walk_d.first + d * walk_d.apart) * result[1]
                    + walk_h.first
                    + h * walk_h.apart;
                pixels.extend(w.clone().map(|w| Pixel {
                    source: (from * source[2] + w * walk_w.stride) * source_channels,
                    result: (to * result[2] + walk_w.first + w * walk_w.apart) * result_channels,
                }));
            }
        }
    }
}

/// # Safety
/// No other thread writes these pixels; segments stay inside the source for them.
unsafe fn run_box<T: Element>(
    job: &Job<'_, T>,
    part: &Part<'_, T>,
    segments: &[Segment],
    pixels: &[Pixel],
    follow: &dyn Follow,
) {
    let (lanes, channels) = (job.tiles.lanes, job.groups * job.width);
    let mut kernel = part.kernel.as_ptr();
    for group in 0..job.groups {
        for columns in strips(job.width, lanes) {
            let vectors = columns.len().div_ceil(lanes);
            let tiles = job.tiles.gather[vectors - 1];
            let first = group * job.width + columns.start;
            let count = pixels.len().div_ceil(tiles.len());
            for t in 0..count {
                // Evenly cut: a low tile would leave the multiply-add units waiting.
                let these = &pixels[t * pixels.len() / count..(t + 1) * pixels.len() / count];
                if group == 0 && columns.start == 0 {
                    for run in these.chunk_by(|a, b| a.result + channels == b.result) {
                        let start = run[0].result;
                        follow.soon(start..start + run.len() * channels);
                    }
                }
                // SAFETY: source and result hold the pixels' channels; the kernel holds a strip of
                // `rows` rows; the bias a channel each; the tile's rows are the pixels.
                unsafe {
                    tiles[these.len() - 1](&Gather {
                        pixels: these,
                        segments,
                        source: job.source.as_ptr().wrapping_add(group * job.depth),
                        kernel,
                        bias: job.bias.map_or(std::ptr::null(), |b| b[first..].as_ptr()),
                        result: job.result.wrapping_add(first),
                        last: columns.len() - (vectors - 1) * lanes,
                        relu: job.relu,
                    });
                }
            }
            kernel = kernel.wrapping_add(part.rows * vectors * lanes);
        }
    }
}
