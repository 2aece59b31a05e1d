use super::*;
use crate::kernels::isa::is_intel;
use crate::kernels::threads::set_num_threads;

/// Numbers in (-1, 1) that do not repeat.
fn noise<T: From<f32>>(n: usize, seed: u32) -> Vec<T> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        T::from((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
    };
    (0..n).map(next).collect()
}

/// How A and B lie in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    Rows,
    Columns,
    /// Room between rows.
    Padded,
    /// Neither stride is one.
    Spread,
}

const LAYOUTS: [Layout; 4] = [
    Layout::Rows,
    Layout::Columns,
    Layout::Padded,
    Layout::Spread,
];

fn strides(rows: usize, cols: usize, layout: Layout) -> (usize, usize) {
    match layout {
        Layout::Rows => (cols, 1),
        Layout::Columns => (1, rows),
        Layout::Padded => (cols + 5, 1),
        Layout::Spread => (2 * cols + 1, 2),
    }
}

fn extent(rows: usize, cols: usize, (rs, cs): (usize, usize)) -> usize {
    if rows * cols == 0 {
        0
    } else {
        (rows - 1) * rs + (cols - 1) * cs + 1
    }
}

/// `x * 0.5 + row + 2 col`, to see that the epilogue knows its place.
struct Place;

impl<T: Element + From<f32> + std::ops::Add<Output = T>> Epilogue<T> for Place {
    #[inline(always)]
    fn apply(&self, mut block: Block<'_, T>) {
        let (row, col) = (block.row, block.col);
        for i in 0..block.rows {
            for (j, x) in block.row_mut(i).iter_mut().enumerate() {
                *x = *x + T::from((row + i + 2 * (col + j)) as f32);
            }
        }
    }
}

struct Case {
    m: usize,
    n: usize,
    k: usize,
    a: Layout,
    b: Layout,
    c_gap: usize,
    accumulate: bool,
    place: bool,
}

fn run<T>((isa, is_intel): (Isa, bool), case: &Case) -> Vec<T>
where
    T: Element + From<f32> + std::ops::Add<Output = T>,
{
    let Case { m, n, k, .. } = *case;
    let (sa, sb) = (strides(m, k, case.a), strides(k, n, case.b));
    let a: Vec<T> = noise(extent(m, k, sa), 1);
    let b: Vec<T> = noise(extent(k, n, sb), 2);
    let mut c: Vec<T> = noise(m * (n + case.c_gap), 3);
    let (ma, mb) = (
        Mat::new(&a, m, k, sa.0, sa.1),
        Mat::new(&b, k, n, sb.0, sb.1),
    );
    let mc = MatMut::new(&mut c, m, n, n + case.c_gap);
    let on = (isa, &Blocking::on(isa, is_intel));
    if case.place {
        gemm_on(on, ma, mb, mc, case.accumulate, &Place);
    } else {
        gemm_on(on, ma, mb, mc, case.accumulate, &NoEpilogue);
    }
    c
}

/// The product in f64 with C's memory around it, and the sum of the terms' sizes.
fn naive<T>(case: &Case) -> Vec<(f64, f64)>
where
    T: Element + From<f32> + Into<f64>,
{
    let Case { m, n, k, .. } = *case;
    let (sa, sb) = (strides(m, k, case.a), strides(k, n, case.b));
    let a: Vec<T> = noise(extent(m, k, sa), 1);
    let b: Vec<T> = noise(extent(k, n, sb), 2);
    let c: Vec<T> = noise(m * (n + case.c_gap), 3);
    let mut out: Vec<_> = c.iter().map(|x| ((*x).into(), 0.0)).collect();
    for i in 0..m {
        for j in 0..n {
            let (old, _) = out[i * (n + case.c_gap) + j];
            let (mut sum, mut size) = if case.accumulate {
                (old, f64::abs(old))
            } else {
                (0.0, 0.0)
            };
            for p in 0..k {
                let term: f64 = a[i * sa.0 + p * sa.1].into() * b[p * sb.0 + j * sb.1].into();
                sum += term;
                size += term.abs();
            }
            if case.place {
                let place = (i + 2 * j) as f64;
                (sum, size) = (sum + place, size + place);
            }
            out[i * (n + case.c_gap) + j] = (sum, size.max(1e-30));
        }
    }
    out
}

/// Every instruction set that is there, AVX-512 with the blocks of others' processors and of Intel's.
fn isas() -> impl Iterator<Item = (Isa, bool)> {
    let there = Isa::ALL.into_iter().filter(|i| i.is_available());
    there.flat_map(|isa| {
        let intel = (isa == Isa::Avx512).then_some((isa, true));
        [(isa, false)].into_iter().chain(intel)
    })
}

fn check(case: &Case) {
    let Case { m, n, k, a, b, .. } = *case;
    let place = format!(
        "({m}, {k}) {a:?} @ ({k}, {n}) {b:?} gap {} accumulate {} place {}",
        case.c_gap, case.accumulate, case.place
    );
    let close = |got: f64, (want, size): (f64, f64), epsilon: f64, isa: (Isa, bool), i: usize| {
        let limit = size * epsilon * (k as f64 + 2.0);
        assert!(
            (got - want).abs() <= limit,
            "{isa:?} {place} at {i}: {got} for {want}"
        );
    };
    let expected = naive::<f32>(case);
    let mut first: Option<Vec<u32>> = None;
    for isa in isas() {
        let got = run::<f32>(isa, case);
        for (i, (got, want)) in got.iter().zip(&expected).enumerate() {
            close(f64::from(*got), *want, f64::from(f32::EPSILON), isa, i);
        }
        let bits = got.iter().map(|x| x.to_bits()).collect();
        assert!(
            *first.get_or_insert_with(|| Vec::clone(&bits)) == bits,
            "{isa:?} {place}: bits"
        );
    }
    let expected = naive::<f64>(case);
    let mut first: Option<Vec<u64>> = None;
    for isa in isas() {
        let got = run::<f64>(isa, case);
        for (i, (got, want)) in got.iter().zip(&expected).enumerate() {
            close(*got, *want, f64::EPSILON, isa, i);
        }
        let bits = got.iter().map(|x| x.to_bits()).collect();
        assert!(
            *first.get_or_insert_with(|| Vec::clone(&bits)) == bits,
            "{isa:?} {place}: bits"
        );
    }
}

#[test]
fn small_shapes_all_layouts() {
    let sides = [1, 2, 3, 5, 8, 13, 16, 17, 33, 50];
    let mut i = 0;
    for m in sides {
        for n in sides {
            for k in [1, 2, 7, 16, 35] {
                i += 1;
                check(&Case {
                    m,
                    n,
                    k,
                    a: LAYOUTS[i % 4],
                    b: LAYOUTS[i / 4 % 4],
                    c_gap: i % 3,
                    accumulate: i % 2 == 0,
                    place: i % 5 < 2,
                });
            }
        }
    }
}

#[test]
fn large_shapes_all_layouts() {
    let shapes = [
        (97, 130, 1100),
        (1, 300, 700),
        (300, 1, 700),
        (3, 200, 513),
        (6, 129, 90),
        (2, 77, 1030),
        (150, 170, 140),
        (260, 10, 300),
        (20, 70, 300),
        (70, 300, 1030),
    ];
    for (i, (m, n, k)) in shapes.into_iter().enumerate() {
        for (j, a) in LAYOUTS.into_iter().enumerate() {
            for (l, b) in LAYOUTS.into_iter().enumerate() {
                let accumulate = (i + j + l) % 2 == 0;
                let (c_gap, place) = ((i + j) % 2, (i + l) % 2 == 0);
                check(&Case {
                    m,
                    n,
                    k,
                    a,
                    b,
                    c_gap,
                    accumulate,
                    place,
                });
            }
        }
    }
}

#[test]
fn nothing_to_sum() {
    for (m, n, k) in [(0, 3, 2), (3, 0, 2), (3, 4, 0), (0, 0, 0), (5, 1, 0)] {
        for accumulate in [false, true] {
            check(&Case {
                m,
                n,
                k,
                a: Layout::Rows,
                b: Layout::Rows,
                c_gap: 0,
                accumulate,
                place: true,
            });
        }
    }
}

#[test]
fn every_element_is_one_chain() {
    // The last one is packed in two chunks; some of its elements will do.
    for (m, n, k, step) in [(70, 90, 1500, 1), (70, 1100, 2000, 13)] {
        let a: Vec<f32> = noise(m * k, 1);
        let b: Vec<f32> = noise(k * n, 2);
        let mut c = vec![f32::NAN; m * n];
        let product = (Mat::row_major(&a, m, k), Mat::row_major(&b, k, n));
        gemm(
            product.0,
            product.1,
            MatMut::row_major(&mut c, m, n),
            false,
            &NoEpilogue,
        );
        for at in (0..m * n).step_by(step) {
            let (i, j) = (at / n, at % n);
            let chain = (0..k).fold(0.0, |s, p| a[i * k + p].mul_add(b[p * n + j], s));
            assert_eq!(c[at].to_bits(), f32::to_bits(chain), "at ({i}, {j})");
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    for (m, n, k) in [
        (128, 256, 512),
        (600, 10, 400),
        (13, 2000, 600),
        (200, 200, 1200),
    ] {
        let case = Case {
            m,
            n,
            k,
            a: Layout::Rows,
            b: Layout::Columns,
            c_gap: 0,
            accumulate: true,
            place: true,
        };
        let mut first = None;
        for threads in [1, 2, 3, 8] {
            set_num_threads(threads);
            let c: Vec<f32> = run((Isa::best(), is_intel()), &case);
            let bits: Vec<_> = c.iter().map(|x| x.to_bits()).collect();
            assert!(
                *first.get_or_insert_with(|| bits.clone()) == bits,
                "{threads} threads"
            );
        }
    }
}

#[test]
#[should_panic(expected = "expected (m, k) @ (k, n) -> (m, n), got (2, 3) @ (2, 3) -> (2, 3)")]
fn shapes_are_checked() {
    let (a, mut c) = ([0.0f32; 6], [0.0f32; 6]);
    let m = Mat::row_major(&a, 2, 3);
    gemm(m, m, MatMut::row_major(&mut c, 2, 3), false, &NoEpilogue);
}

#[test]
#[should_panic(expected = "got 6")]
fn extents_are_checked() {
    Mat::row_major(&[0.0f32; 6], 2, 4);
}
