//! Every element of a result gathered from a source: the forward pass, and the gradient by input.
//!
//! Positions are cut into boxes inside which the same taps lie inside the image. So padding is
//! never stored and never multiplied, and within a box the sum of every position is the same list of
//! segments, read from the image where it lies.

use super::axis::{Span, Walk};
use super::tiles::{Element, Gather, Pixel, Segment, Tiles, WIDEST};
use super::{elements, read_elements, Weights};
use crate::error::unwind;
use crate::kernels::region::{share, IntoParallelIterator};
use crate::kernels::tile::Consumer;
use crate::memory::{reserve, Buffer};
use smallvec::SmallVec;
use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;

/// Multiply-adds that one task is worth.
const TASK: usize = 500_000;
/// Bytes that one task should read or write at the most: they stay in the second-level cache.
const BLOCK_BYTES: usize = 256 << 10;
/// As many with what its consumer reads.
const CONSUMED_BYTES: usize = 384 << 10;
/// Bytes of a task's images up to which they need not be stored in the result.
const PASSED_ON_BYTES: usize = 1 << 20;
/// Images of one task, where they are small: the few positions in a corner of all of them fill a tile.
const TOGETHER: usize = 8;
/// Tasks that images are not put together below.
const MIN_TASKS: usize = 16;

/// Counts and sizes of one pass. Counts of channels are of one group.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    pub batch: usize,
    pub groups: usize,
    pub source: [usize; 3],
    pub depth: usize,
    pub result: [usize; 3],
    pub width: usize,
}

/// Where a kernel holds the numbers of a pass: tap `(d, h, w)` at `tap` elements from tap to tap, and in
/// it source channel `c` and result channel `n` of group `g` at `g * group + c * row + n * column`.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub shape: [usize; 3],
    pub tap: usize,
    pub group: usize,
    pub row: usize,
    pub column: usize,
}

/// All of a pass that follows from its shapes.
#[derive(Debug)]
pub(super) struct Plan {
    shapes: Shapes,
    layout: Layout,
    parts: Vec<Part>,
    /// Made when the first consumer is known, whose reads are those of all.
    lists: OnceLock<Lists>,
}

/// Positions that interleave with those of other parts (one phase of a strided gradient).
#[derive(Debug)]
struct Part {
    walks: [Walk; 3],
    boxes: Vec<Cut>,
    /// Rows of the packed kernel.
    rows: usize,
}

/// A box of positions, and the segments of their sums.
#[derive(Debug)]
struct Cut {
    positions: [Range<usize>; 3],
    segments: Vec<Segment>,
}

/// How the work is cut, and where the positions of a task lie, for the first images.
#[derive(Debug)]
struct Lists {
    cuts: Cuts,
    /// By block of the axis, part and box: the positions of as many images as a task has at the most,
    /// image by image.
    pixels: Vec<Vec<Vec<Vec<Pixel>>>>,
}

/// The numbers that one run of a pass reads and writes.
#[derive(Clone, Copy)]
pub(super) struct Job<'a, T: 'static> {
    pub tiles: &'static Tiles<T>,
    pub source: &'a [T],
    pub result: *mut T,
    pub bias: Option<&'a [T]>,
    pub relu: bool,
}

// SAFETY: the source is only read; tasks write disjoint positions of the result.
unsafe impl<T: Sync> Sync for Job<'_, T> {}

impl Plan {
    /// The plan of the parts of these `walks`.
    pub fn new(shapes: Shapes, layout: Layout, walks: Vec<[Walk; 3]>) -> Plan {
        let part = |walks: [Walk; 3]| Part {
            boxes: boxes(&walks, &shapes),
            rows: walks.iter().map(|w| w.taps.len()).product::<usize>() * shapes.depth,
            walks,
        };
        Plan {
            parts: walks.into_iter().map(part).collect(),
            shapes,
            layout,
            lists: OnceLock::new(),
        }
    }

    /// Packs the taps of every part from a kernel into `room`.
    pub fn pack<T: Element>(&self, lanes: usize, kernel: &[T], mut room: &mut [T]) {
        for part in &self.parts {
            let (packed, left) = room.split_at_mut(self.packed_len(part, lanes));
            self.pack_part(part, lanes, kernel, packed);
            room = left;
        }
    }

    /// The packed taps of every part.
    fn packed<'a, T>(&self, lanes: usize, mut packed: &'a [T]) -> SmallVec<[&'a [T]; 8]> {
        let parts = self.parts.iter().map(|part| {
            let (these, left) = packed.split_at(self.packed_len(part, lanes));
            packed = left;
            these
        });
        parts.collect()
    }

    fn packed_len(&self, part: &Part, lanes: usize) -> usize {
        packed_len(self.shapes.groups, part.rows, self.shapes.width, lanes)
    }

    fn pack_part<T: Element>(&self, part: &Part, lanes: usize, kernel: &[T], packed: &mut [T]) {
        let (shapes, layout) = (&self.shapes, &self.layout);
        let [taps_d, taps_h, taps_w] = [0, 1, 2].map(|a| &part.walks[a].taps);
        let mut at = 0;
        for group in 0..shapes.groups {
            for columns in strips(shapes.width, lanes) {
                let width = columns.len().next_multiple_of(lanes);
                for d in taps_d {
                    for h in taps_h {
                        for w in taps_w {
                            let tap = (d.kernel * layout.shape[1] + h.kernel) * layout.shape[2]
                                + w.kernel;
                            let from = tap * layout.tap + group * layout.group;
                            for c in 0..shapes.depth {
                                let (row, padding) =
                                    packed[at..at + width].split_at_mut(columns.len());
                                let first = from + c * layout.row + columns.start * layout.column;
                                match layout.column {
                                    1 => row.copy_from_slice(&kernel[first..][..row.len()]),
                                    step => {
                                        let all = kernel[first..].iter().step_by(step);
                                        row.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
                                    }
                                }
                                padding.fill(T::ZERO);
                                at += width;
                            }
                        }
                    }
                }
            }
        }
    }

    fn lists(&self, size: usize, reads: usize) -> &Lists {
        self.lists.get_or_init(|| {
            let cuts = Cuts::new(self, size, reads);
            let images = 0..cuts.images.div_ceil(cuts.image_blocks);
            let blocks = (0..cuts.axis_blocks).map(|block| {
                let parts = self.parts.iter().map(|part| {
                    let limits = cuts.positions(block, part.walks[cuts.axis].count);
                    let boxes = part.boxes.iter().map(|cut| {
                        let mut positions = cut.positions.clone();
                        let along = &mut positions[cuts.axis];
                        *along = along.start.max(limits.start)..along.end.min(limits.end);
                        pixels(&self.shapes, &part.walks, images.clone(), &positions)
                    });
                    boxes.collect()
                });
                parts.collect()
            });
            Lists {
                pixels: blocks.collect(),
                cuts,
            }
        })
    }

    /// Computes every position of every part.
    pub fn run<T: Element>(
        &self,
        job: &Job<'_, T>,
        weights: Weights<T>,
        room: &mut [u8],
        consumer: &dyn Consumer,
    ) {
        let lanes = job.tiles.lanes;
        let packed = match weights.packed {
            Some(packed) => packed,
            None => {
                self.pack(lanes, weights.plain, elements(room));
                room
            }
        };
        let kernels = self.packed(lanes, read_elements(packed));
        let Lists { cuts, pixels } = self.lists(size_of::<T>(), consumer.reads());
        let shapes = &self.shapes;
        let image = shapes.result.iter().product::<usize>() * shapes.groups * shapes.width;
        let source = shapes.source.iter().product::<usize>() * shapes.groups * shapes.depth;
        let most = cuts.images.div_ceil(cuts.image_blocks);
        let most_bytes = most * image * size_of::<T>();
        let passes_on =
            consumer.is_last() && cuts.axis_blocks == 1 && most_bytes <= PASSED_ON_BYTES;
        // What a task makes lies in one piece an image, unless the positions of parts interleave.
        let contiguous = cuts.axis_blocks == 1 || self.parts.len() == 1;
        let tasks = (0..cuts.image_blocks * cuts.axis_blocks).into_par_iter();
        share(tasks, |task| {
            let images = cuts.images(task / cuts.axis_blocks);
            let block = task % cuts.axis_blocks;
            let from = Start {
                source: images.start * source,
                result: images.start * image,
            };
            let mut room = RoomOfThread::take(if passes_on { most_bytes } else { 0 });
            let job = &Job {
                result: match passes_on {
                    true => room.start::<T>().wrapping_sub(from.result),
                    false => job.result,
                },
                ..*job
            };
            for ((part, pixels), kernel) in self.parts.iter().zip(&pixels[block]).zip(&kernels) {
                for (cut, pixels) in part.boxes.iter().zip(pixels) {
                    let pixels = &pixels[..pixels.len() / most * images.len()];
                    // SAFETY: tasks take disjoint positions.
                    unsafe {
                        self.run_box(
                            job,
                            (kernel, part.rows),
                            &cut.segments,
                            (pixels, from),
                            consumer,
                        )
                    };
                }
            }
            if contiguous {
                let longest = shapes.result[cuts.axis];
                let along = cuts.positions(block, longest);
                let line = image / longest;
                for at in images {
                    let start = at * image;
                    // SAFETY: this task has made these elements, which no other one touches.
                    unsafe {
                        consumer.take(
                            job.result.cast(),
                            start + along.start * line..start + along.end * line,
                        );
                    }
                }
            }
        });
        if !contiguous {
            // SAFETY: every task is done.
            unsafe { consumer.take(job.result.cast(), 0..shapes.batch * image) };
        }
    }

    /// # Safety
    /// No other thread writes these pixels; segments stay inside the source for them.
    unsafe fn run_box<T: Element>(
        &self,
        job: &Job<'_, T>,
        (kernel, rows): (&[T], usize),
        segments: &[Segment],
        (pixels, from): (&[Pixel], Start),
        consumer: &dyn Consumer,
    ) {
        let shapes = &self.shapes;
        let (lanes, channels) = (job.tiles.lanes, shapes.groups * shapes.width);
        let fetches = consumer.reads() > 0;
        let mut kernel = kernel.as_ptr();
        for group in 0..shapes.groups {
            for columns in strips(shapes.width, lanes) {
                let vectors = columns.len().div_ceil(lanes);
                let tiles = job.tiles.gather[vectors - 1];
                let first = group * shapes.width + columns.start;
                let count = pixels.len().div_ceil(tiles.len());
                for t in 0..count {
                    // Evenly cut: a low tile would leave the multiply-add units waiting.
                    let these = &pixels[t * pixels.len() / count..(t + 1) * pixels.len() / count];
                    if fetches && group == 0 && columns.start == 0 {
                        for run in these.chunk_by(|a, b| a.result + channels == b.result) {
                            let start = from.result + run[0].result;
                            consumer.prefetch(start..start + run.len() * channels);
                        }
                    }
                    // SAFETY: source and result hold the pixels' channels; the kernel holds a strip
                    // of `rows` rows; the bias a channel each; the tile's rows are the pixels.
                    unsafe {
                        let source = job.source.as_ptr().wrapping_add(from.source);
                        tiles[these.len() - 1](&Gather {
                            pixels: these,
                            segments,
                            source: source.wrapping_add(group * shapes.depth),
                            kernel,
                            bias: job.bias.map_or(std::ptr::null(), |b| b[first..].as_ptr()),
                            result: job.result.wrapping_add(from.result + first),
                            last: columns.len() - (vectors - 1) * lanes,
                            relu: job.relu,
                        });
                    }
                }
                kernel = kernel.wrapping_add(rows * vectors * lanes);
            }
        }
    }
}

/// Memory that a thread keeps for the images of a task that are passed on at once.
struct RoomOfThread(Buffer);

thread_local! {
    static ROOM: Cell<Buffer> = const { Cell::new(Buffer::empty()) };
}

impl RoomOfThread {
    /// So many bytes. Unwinds where there are none.
    fn take(bytes: usize) -> Self {
        let kept = match bytes {
            0 => Buffer::empty(),
            _ => ROOM.replace(Buffer::empty()),
        };
        RoomOfThread(match kept.len() >= bytes {
            true => kept,
            false => Buffer::zeroed(bytes).unwrap_or_else(|refused| unwind(refused)),
        })
    }

    fn start<T>(&mut self) -> *mut T {
        self.0.as_ptr().cast()
    }
}

impl Drop for RoomOfThread {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            ROOM.set(std::mem::replace(&mut self.0, Buffer::empty()));
        }
    }
}

/// Where a task's first image begins.
#[derive(Clone, Copy)]
struct Start {
    source: usize,
    result: usize,
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
fn boxes(walks: &[Walk; 3], shapes: &Shapes) -> Vec<Cut> {
    let channels = shapes.groups * shapes.depth;
    let [_, height, width] = shapes.source;
    let [spans_d, spans_h, spans_w] = [0, 1, 2].map(|a| walks[a].spans());
    let [taps_d, taps_h, taps_w] = [0, 1, 2].map(|a| &walks[a].taps);
    // Along the last axis, taps that are neighbours in the image make one segment.
    let joined = shapes.groups == 1 && taps_w.windows(2).all(|t| t[1].shift == t[0].shift + 1);
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
                        row: (row + taps.start) * shapes.depth,
                        len: taps.len() * shapes.depth,
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
#[derive(Debug)]
struct Cuts {
    images: usize,
    image_blocks: usize,
    axis: usize,
    axis_blocks: usize,
}

impl Cuts {
    /// For elements of `size` bytes and a consumer that reads `reads` bytes for each.
    fn new(plan: &Plan, size: usize, reads: usize) -> Cuts {
        let shapes = &plan.shapes;
        let work = |p: &Part| {
            let positions: usize = p.walks.iter().map(|w| w.count).product();
            positions * p.rows * shapes.width * shapes.groups
        };
        let work: usize = plan.parts.iter().map(work).sum::<usize>().max(1);
        let source = shapes.source.iter().product::<usize>() * shapes.groups * shapes.depth;
        let result = shapes.result.iter().product::<usize>() * shapes.groups * shapes.width;
        let read = source * size;
        let all = read + result * size;
        let consumed = all + result * reads;
        let axis = (0..2).find(|a| shapes.result[*a] > 1).unwrap_or(2);
        let longest = shapes.result[axis];
        let few = if shapes.batch < MIN_TASKS {
            work / TASK
        } else {
            1
        };
        let fit = (BLOCK_BYTES / all.max(1)).min(CONSUMED_BYTES / consumed.max(1));
        let small = fit.clamp(1, TOGETHER);
        let images = (TASK / work)
            .max(small.min(shapes.batch / MIN_TASKS))
            .max(1);
        Cuts {
            images: shapes.batch,
            image_blocks: shapes.batch.div_ceil(images),
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

/// Where each position of a box, image by image, reads and writes.
fn pixels(
    shapes: &Shapes,
    [walk_d, walk_h, walk_w]: &[Walk; 3],
    images: Range<usize>,
    [d, h, w]: &[Range<usize>; 3],
) -> Vec<Pixel> {
    let (source, result) = (shapes.source, shapes.result);
    let channels = (shapes.groups * shapes.depth, shapes.groups * shapes.width);
    let mut pixels = Vec::new();
    reserve(&mut pixels, images.len() * d.len() * h.len() * w.len());
    for image in images {
        for d in d.clone() {
            for h in h.clone() {
                let from = (image * source[0] + d * walk_d.stride) * source[1] + h * walk_h.stride;
                let to = (image * result[0] + walk_d.first + d * walk_d.apart) * result[1]
                    + walk_h.first
                    + h * walk_h.apart;
                pixels.extend(w.clone().map(|w| Pixel {
                    source: (from * source[2] + w * walk_w.stride) * channels.0,
                    result: (to * result[2] + walk_w.first + w * walk_w.apart) * channels.1,
                }));
            }
        }
    }
    pixels
}
