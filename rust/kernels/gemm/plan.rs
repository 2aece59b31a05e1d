//! How one product is cut: a function of its shape alone.

use super::block::Problem;
use super::micro::Kernels;
use std::ops::Range;

/// Deepest panel of k, in bytes of one row of A.
const PANEL_BYTES: usize = 4096;
/// Packed A that one block of rows may take. Tiles read it in order, so it may outgrow the
/// second-level cache; the strip of B is what must stay.
const ROW_BLOCK_BYTES: usize = 2 << 20;
/// A or B up to this size is read in place where one of its strides is one.
const IN_PLACE_BYTES: usize = 512 << 10;
/// Multiply-adds below which a second thread costs more than it brings.
const SERIAL: usize = 700_000;
/// Multiply-adds that one task is worth.
const TASK: usize = 500_000;
const MAX_TASKS: usize = 64;

/// Cuts of m, n and k.
pub(super) struct Plan {
    m: usize,
    n: usize,
    k: usize,
    /// Columns of a strip of B: two vectors.
    strip: usize,
    /// Strips of rows: the tiles' rows, evenly cut.
    pub row_strips: usize,
    pub row_blocks: usize,
    pub col_blocks: usize,
    pub panels: usize,
    pub pack_a: bool,
    /// Whether the first strip of rows packs B, where B is read by rows.
    pub copy_b: bool,
}

impl Plan {
    pub fn new<T>(p: &Problem<T>, kernels: &Kernels<T>) -> Plan {
        let (m, n, k) = (p.m, p.n, p.k);
        let size = size_of::<T>();
        let tall = kernels.by_rows[0].len();
        let strip = 2 * kernels.lanes;
        let row_strips = m.div_ceil(tall);
        let panels = k.div_ceil(PANEL_BYTES / size);
        let depth = k.div_ceil(panels);
        let in_place = p.a_rs == 1 || p.a_cs == 1;
        let wide = m <= kernels.wide[0].len() && p.a_rs != 1 && n >= 2 * strip;
        let pack_a = !in_place || wide || (m * k * size > IN_PLACE_BYTES && n >= 2 * strip);

        // A few rows cost the time that it takes to read B.
        let work = m.max(4).saturating_mul(n).saturating_mul(k);
        let tasks = if work < SERIAL {
            1
        } else {
            (work / TASK).clamp(2, MAX_TASKS)
        };
        let col_blocks = n.div_ceil(strip).min(tasks);
        let row_blocks = (row_strips * tall * depth * size)
            .div_ceil(ROW_BLOCK_BYTES)
            .max(tasks.div_ceil(col_blocks))
            .min(row_strips);
        Plan {
            m,
            n,
            k,
            strip,
            row_strips,
            row_blocks,
            col_blocks,
            panels,
            pack_a,
            copy_b: k * n * size > IN_PLACE_BYTES,
        }
    }

    pub fn panel(&self, i: usize) -> Range<usize> {
        i * self.k / self.panels..(i + 1) * self.k / self.panels
    }

    /// Rows of one strip.
    pub fn rows(&self, strip: usize) -> Range<usize> {
        strip * self.m / self.row_strips..(strip + 1) * self.m / self.row_strips
    }

    /// Strips of one block of rows.
    pub fn row_block(&self, i: usize) -> Range<usize> {
        i * self.row_strips / self.row_blocks..(i + 1) * self.row_strips / self.row_blocks
    }

    /// Columns of one block of columns.
    pub fn col_block(&self, i: usize) -> Range<usize> {
        let strips = self.n.div_ceil(self.strip);
        let start = |i: usize| self.n.min(i * strips / self.col_blocks * self.strip);
        start(i)..start(i + 1)
    }
}
