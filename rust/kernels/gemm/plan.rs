//! How one product is cut: a function of its shape and of the instruction set alone.

use super::block::Problem;
use super::micro::Kernels;
use crate::kernels::isa::{is_intel, Isa};
use std::ops::Range;

/// Sizes of blocks that fit the caches of the machines that have an instruction set.
pub(super) struct Blocking {
    /// Bytes of packed A in a block of rows: half of the second-level cache.
    row_block: usize,
    /// Rows of B less than so many bytes apart are read in place.
    in_place_stride: usize,
    /// Deepest panel of k. Each further panel reads and writes C once more.
    depth: usize,
    /// Numbers in the largest B by rows that every block of rows reads by itself; of a larger one the
    /// rows come from all over the last-level cache, and it is packed once.
    b_by_block: usize,
    /// Strips of B from which on a large A by rows is packed: each of them reads it.
    strips_of_packed: usize,
}

impl Blocking {
    pub fn of(isa: Isa) -> Blocking {
        Blocking::on(isa, is_intel())
    }

    /// Of an instruction set on Intel's processors, or on others.
    pub fn on(isa: Isa, is_intel: bool) -> Blocking {
        match isa {
            // A second level of 256 or 512 KB (Haswell, Zen 2, Zen 3). A strip of B is one line of each
            // row: rows a page apart would come too late.
            Isa::Avx2 | Isa::Scalar | Isa::Neon => Blocking {
                row_block: 256 << 10,
                in_place_stride: PAGE,
                // A strip of B of this depth fills a first-level cache of 32 KB, while A passes through.
                depth: 512,
                b_by_block: 500_000,
                strips_of_packed: 2,
            },
            // Skylake-X to Granite Rapids. Two multiply-adds of vectors a cycle want B in the first-level
            // cache, of 32 or 48 KB, in lines that do not share a few of its sets. On Emerald Rapids
            // products of Transformers and of 384 to 1024 cubed run 1.17 times as fast (geometric mean)
            // as with the table below.
            Isa::Avx512 if is_intel => Blocking {
                row_block: 512 << 10,
                in_place_stride: PAGE / 2,
                depth: 256,
                b_by_block: 1_000_000,
                strips_of_packed: 8,
            },
            // A second level of 1 MB (Zen 4, Zen 5). A strip of B is two lines of each row, which
            // come in time from wherever they lie: 24 multiply-adds of vectors are done with them.
            Isa::Avx512 => Blocking {
                row_block: 512 << 10,
                in_place_stride: usize::MAX,
                // A strip of B comes from the second level, as fast as it is used; products from 512
                // up run 1 to 9% faster than in panels of 512.
                depth: 1024,
                b_by_block: 1_000_000,
                strips_of_packed: 2,
            },
        }
    }
}

/// Deepest panel where one strip of rows reads a B by rows once.
const ONE_STRIP_DEPTH: usize = 1024;
/// Deepest panel where two strips of rows do: the second one finds it in the first-level cache.
const TWO_STRIPS_DEPTH: usize = 256;
/// Bytes of each row of B that a task reads then, so that the processor sees what comes.
const FEW_ROWS_RUN: usize = 1024;
/// Deepest panel where few rows read B by columns: its strip is packed, used, and forgotten.
const FEW_ROWS_DEPTH_BY_COLUMNS: usize = 128;
/// Bytes of such a strip, which stay in the first-level cache.
const FEW_ROWS_STRIP: usize = 32 << 10;
/// Rows this many bytes apart take a page each, and share a few lines of the first-level cache.
const PAGE: usize = 4096;
/// A of up to so many bytes is read in place where one of its strides is one.
const A_IN_PLACE: usize = 512 << 10;
/// Rows of B closer than so many bytes are never packed for that.
const CLOSE_ROWS: usize = 1024;
/// Bytes of packed A and B, beyond which panels are packed in several chunks: they stay in the
/// last-level cache until they are used.
const PACKED: usize = 4 << 20;
/// Multiply-adds below which a second thread costs more than it brings.
const SERIAL: usize = 700_000;
/// Multiply-adds that one task is worth.
const TASK: usize = 500_000;
const MAX_TASKS: usize = 64;
/// Tasks that keep the threads of a desktop machine busy.
const ENOUGH_TASKS: usize = 16;
/// Strips of rows that a block has at least where there are enough tasks without cutting it.
const STRIPS_A_BLOCK: usize = 8;

/// Where the tiles find B.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PackB {
    /// In place, but for a last strip that is not whole.
    InPlace,
    /// In strips that each task packs as it comes to them.
    ByStrip,
    /// In strips that are packed before, for several blocks of rows.
    Ahead,
}

/// Cuts of m, n and k.
pub(super) struct Plan {
    pub m: usize,
    n: usize,
    k: usize,
    /// Columns of a strip of B: two vectors.
    strip: usize,
    /// Strips of rows: the tiles' rows, evenly cut.
    pub row_strips: usize,
    pub row_blocks: usize,
    pub col_strips: usize,
    pub col_blocks: usize,
    pub panels: usize,
    /// Panels that are packed together.
    pub chunk: usize,
    pub pack_a: bool,
    pub pack_b: PackB,
    /// Whether a strip of B goes through all panels before the next one.
    pub strips_first: bool,
    /// Widest strip of B, in vectors.
    pub widest: usize,
}

impl Plan {
    pub fn new<T>(p: &Problem<T>, kernels: &Kernels<T>, blocking: &Blocking) -> Plan {
        let (m, n, k) = (p.m, p.n, p.k);
        let size = size_of::<T>();
        let tall = kernels.by_rows[0].len();
        let strip = 2 * kernels.lanes;
        let (row_strips, col_strips) = (m.div_ceil(tall), n.div_ceil(strip));
        let (few_rows, b_by_rows) = (row_strips <= 2, p.b_cs == 1);
        let deepest = match (row_strips, b_by_rows) {
            (1, true) => ONE_STRIP_DEPTH,
            (2, true) => TWO_STRIPS_DEPTH,
            (1 | 2, false) => FEW_ROWS_DEPTH_BY_COLUMNS,
            _ => blocking.depth,
        };
        let panels = k.div_ceil(deepest);

        // A few rows cost the time that it takes to read B.
        let work = m.max(4).saturating_mul(n).saturating_mul(k);
        let tasks = if work < SERIAL {
            1
        } else {
            (work / TASK).clamp(2, MAX_TASKS)
        };
        let most_col_blocks = if few_rows && b_by_rows {
            (n * size).div_ceil(FEW_ROWS_RUN).min(col_strips)
        } else {
            col_strips
        };
        let row_blocks = (m * k.div_ceil(panels) * size).div_ceil(blocking.row_block);
        let col_blocks = tasks.div_ceil(row_blocks).min(most_col_blocks);
        // A strip of B is worth fetching for several strips of rows, as long as there are tasks enough.
        let shared = tasks.div_ceil(col_blocks).min(row_strips / STRIPS_A_BLOCK);
        let needed = tasks.min(ENOUGH_TASKS).div_ceil(col_blocks);
        let row_blocks = row_blocks.max(shared).max(needed).min(row_strips);

        let in_place = p.a_rs == 1 || p.a_cs == 1;
        let wide = m <= kernels.wide[0].len() && p.a_rs != 1 && n >= 2 * strip;
        let spread = p.a_rs == 1 && p.a_cs * size >= PAGE && n >= 4 * strip;
        let strips = if p.a_cs == 1 {
            blocking.strips_of_packed
        } else {
            2
        };
        let large = m * k * size > A_IN_PLACE && n >= strips * strip;
        let pack_a = !in_place || wide || spread || large;
        let stride = p.b_rs * size;
        let far = !b_by_rows || (stride >= CLOSE_ROWS && n * k > blocking.b_by_block);
        let pack_b = match () {
            () if far && row_blocks > 1 && !few_rows => PackB::Ahead,
            () if b_by_rows && (few_rows || stride < blocking.in_place_stride) => PackB::InPlace,
            () => PackB::ByStrip,
        };
        let strips_first = few_rows && !b_by_rows;
        let vector_down = k.div_ceil(panels) * kernels.lanes * size;
        let packed_rows = if pack_a { m } else { 0 };
        let packed_cols = if pack_b == PackB::Ahead { n } else { 0 };
        let chunks = ((packed_rows + packed_cols) * k * size).div_ceil(PACKED);
        Plan {
            m,
            n,
            k,
            strip,
            row_strips,
            row_blocks,
            col_strips,
            col_blocks,
            panels,
            chunk: panels.div_ceil(chunks.max(1)),
            pack_a,
            pack_b,
            strips_first,
            widest: if strips_first {
                FEW_ROWS_STRIP / vector_down
            } else {
                8
            },
        }
    }

    /// Of the deepest panel.
    pub fn depth(&self) -> usize {
        self.k.div_ceil(self.panels)
    }

    /// Where a panel begins, or the one before ends.
    pub fn panel_start(&self, i: usize) -> usize {
        i * self.k / self.panels
    }

    /// Rows of one strip.
    pub fn rows(&self, strip: usize) -> Range<usize> {
        strip * self.m / self.row_strips..(strip + 1) * self.m / self.row_strips
    }

    /// Columns of one strip; of the last one, those that there are.
    pub fn cols(&self, strip: usize) -> Range<usize> {
        strip * self.strip..self.n.min((strip + 1) * self.strip)
    }

    /// Strips of one block of rows.
    pub fn row_block(&self, i: usize) -> Range<usize> {
        i * self.row_strips / self.row_blocks..(i + 1) * self.row_strips / self.row_blocks
    }

    /// Columns of one block of columns.
    pub fn col_block(&self, i: usize) -> Range<usize> {
        let start = |i: usize| {
            self.n
                .min(i * self.col_strips / self.col_blocks * self.strip)
        };
        start(i)..start(i + 1)
    }

    /// Columns of packed B, whole vectors: of one strip, and of all.
    pub fn packed_widths(&self) -> (usize, usize) {
        match self.pack_b {
            PackB::Ahead => (self.strip, self.col_strips * self.strip),
            PackB::InPlace | PackB::ByStrip => (0, 0),
        }
    }
}
