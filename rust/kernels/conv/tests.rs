use super::*;
use crate::kernels::isa::{set_isa, Isa};
use crate::memory::Buffer;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn values(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        })
        .collect()
}

fn axis(input: usize, kernel: usize, stride: usize, dilation: usize, pads: (usize, usize)) -> Axis {
    let extent = (kernel - 1) * dilation + 1;
    Axis {
        input,
        output: (input + pads.0 + pads.1 - extent) / stride + 1,
        kernel,
        stride,
        dilation,
        before: pads.0,
    }
}

fn geometries() -> Vec<Geometry> {
    let one = Axis::ONE;
    let g = |batch, axes, groups, depth, width| Geometry {
        batch,
        axes,
        groups,
        depth,
        width,
    };
    vec![
        // Images of which a task takes a part.
        g(
            2,
            [one, axis(64, 3, 1, 1, (1, 1)), axis(64, 3, 1, 1, (1, 1))],
            1,
            16,
            3,
        ),
        g(
            2,
            [one, axis(64, 3, 2, 1, (0, 1)), axis(64, 3, 2, 1, (0, 1))],
            1,
            3,
            33,
        ),
        g(
            2,
            [one, axis(7, 3, 1, 1, (1, 1)), axis(9, 3, 1, 1, (1, 1))],
            1,
            5,
            17,
        ),
        g(
            3,
            [one, axis(8, 3, 2, 1, (0, 1)), axis(8, 3, 2, 1, (0, 1))],
            1,
            16,
            32,
        ),
        g(
            2,
            [one, axis(9, 2, 3, 2, (1, 2)), axis(11, 3, 2, 2, (3, 0))],
            2,
            3,
            5,
        ),
        g(
            1,
            [
                axis(5, 2, 1, 1, (1, 0)),
                axis(4, 3, 2, 1, (2, 2)),
                axis(6, 1, 1, 1, (0, 0)),
            ],
            1,
            2,
            9,
        ),
        g(4, [one, one, axis(33, 5, 1, 3, (4, 4))], 1, 1, 8),
        g(
            2,
            [one, axis(6, 1, 2, 1, (0, 0)), axis(6, 1, 2, 1, (0, 0))],
            1,
            7,
            33,
        ),
        g(
            2,
            [one, axis(6, 1, 1, 1, (0, 0)), axis(5, 1, 1, 1, (0, 0))],
            1,
            19,
            6,
        ),
        g(
            3,
            [one, axis(7, 3, 1, 1, (1, 1)), axis(7, 3, 2, 1, (1, 1))],
            37,
            1,
            1,
        ),
        g(
            2,
            [one, axis(5, 3, 1, 1, (5, 5)), axis(5, 3, 1, 1, (3, 3))],
            4,
            1,
            2,
        ),
    ]
}

/// Calls `f(x index, w index, y index)` for every product of the convolution.
fn products(g: &Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let [d, h, w] = g.axes;
    let inside = |a: &Axis, o: usize, k: usize| {
        (o * a.stride + k * a.dilation)
            .checked_sub(a.before)
            .filter(|i| *i < a.input)
    };
    for n in 0..g.batch {
        for (od, oh, ow) in triples(g.outputs()) {
            for (kd, kh, kw) in triples(g.kernel()) {
                let places = (inside(&d, od, kd), inside(&h, oh, kh), inside(&w, ow, kw));
                let (Some(id), Some(ih), Some(iw)) = places else {
                    continue;
                };
                let x = ((n * d.input + id) * h.input + ih) * w.input + iw;
                let y = ((n * d.output + od) * h.output + oh) * w.output + ow;
                let tap = (kd * h.kernel + kh) * w.kernel + kw;
                for group in 0..g.groups {
                    for c in 0..g.depth {
                        for j in 0..g.width {
                            f(
                                (x * g.groups + group) * g.depth + c,
                                ((tap * g.depth + c) * g.groups + group) * g.width + j,
                                (y * g.groups + group) * g.width + j,
                            );
                        }
                    }
                }
            }
        }
    }
}

fn triples([d, h, w]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..d).flat_map(move |i| (0..h).flat_map(move |j| (0..w).map(move |k| (i, j, k))))
}

/// Scratch for all three passes, and what alignment may take of it.
fn room<T>(g: &Geometry) -> Vec<u8> {
    let passes = [
        g.forward_scratch::<T>(),
        g.input_grad_scratch::<T>(),
        g.kernel_grad_scratch::<T>(),
    ];
    vec![0; passes.into_iter().max().unwrap() + 64]
}

fn close(got: &[f64], expected: &[f64], what: &str) {
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() < 1e-11,
            "{what}: element {i} is {a}, expected {b}"
        );
    }
}

/// Sees that every element is handed once, when it is complete.
struct Witness<'a> {
    expected: &'a [f64],
    handed: Vec<AtomicUsize>,
}

impl<'a> Witness<'a> {
    fn new(expected: &'a [f64]) -> Self {
        let handed = expected.iter().map(|_| AtomicUsize::new(0)).collect();
        Witness { expected, handed }
    }

    fn has_seen_all(self) {
        assert!(self.handed.into_iter().all(|n| n.into_inner() == 1));
    }
}

impl Consumer for Witness<'_> {
    unsafe fn take(&self, base: *mut u8, range: Range<usize>) {
        for i in range {
            self.handed[i].fetch_add(1, Relaxed);
            // SAFETY: the promise of `made`.
            let got = unsafe { *base.cast::<f64>().add(i) };
            assert!(
                (got - self.expected[i]).abs() < 1e-11,
                "element {i} is handed as {got}"
            );
        }
    }
}

#[test]
fn all_passes_equal_the_definition() {
    for g in geometries() {
        let (x, w) = (values(g.input_len(), 1), values(g.kernel_len(), 2));
        let (dout, bias) = (values(g.output_len(), 3), values(g.groups * g.width, 4));
        let mut y: Vec<f64> = (0..g.output_len()).map(|i| bias[i % bias.len()]).collect();
        let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
        products(&g, |i, k, o| {
            y[o] += x[i] * w[k];
            dx[i] += dout[o] * w[k];
            dw[k] += x[i] * dout[o];
        });
        y.iter_mut().for_each(|v| *v = v.max(0.0));
        let mut got = vec![7.0; y.len()];
        let mut scratch = room::<f64>(&g);
        let witness = Witness::new(&y);
        let pass = Forward::new(g.clone(), true);
        let end = (Some(&bias[..]), Activation::Relu);
        pass.run(&x, w[..].into(), end, &mut got, &mut scratch, &witness);
        witness.has_seen_all();
        close(&got, &y, &format!("y of {g:?}"));
        if let Some((bytes, _)) = pass.packing::<f64>() {
            let mut packed = Buffer::zeroed(bytes).unwrap();
            pass.pack(&w, packed.bytes_mut(bytes));
            let weights = Weights {
                plain: &w[..],
                packed: Some(packed.bytes(bytes)),
            };
            let mut again = vec![7.0; y.len()];
            pass.run(&x, weights, end, &mut again, &mut [], &NoConsumer);
            assert!(again == got, "y of {g:?} by a packed kernel");
        }
        let mut got = vec![7.0; x.len()];
        let witness = Witness::new(&dx);
        let pass = InputGrad::new(g.clone());
        pass.run(&dout, w[..].into(), &mut got, &mut scratch, &witness);
        witness.has_seen_all();
        close(&got, &dx, &format!("dx of {g:?}"));
        if let Some((bytes, _)) = pass.packing::<f64>() {
            let mut packed = Buffer::zeroed(bytes).unwrap();
            pass.pack(&w, packed.bytes_mut(bytes));
            let weights = Weights {
                plain: &w[..],
                packed: Some(packed.bytes(bytes)),
            };
            let mut again = vec![7.0; x.len()];
            pass.run(&dout, weights, &mut again, &mut [], &NoConsumer);
            assert!(again == got, "dx of {g:?} by a packed kernel");
        }
        let mut got = vec![7.0; w.len()];
        kernel_grad(&g, &x, Lines::Stored(&dout), &mut got, &mut scratch);
        close(&got, &dw, &format!("dw of {g:?}"));
    }
}

#[test]
fn every_isa_gives_the_same_bits() {
    let narrow = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect::<Vec<f32>>();
    for g in geometries() {
        let (x, w) = (
            narrow(values(g.input_len(), 1)),
            narrow(values(g.kernel_len(), 2)),
        );
        let (dout, bias) = (
            narrow(values(g.output_len(), 3)),
            narrow(values(g.groups * g.width, 4)),
        );
        let run = |isa| {
            set_isa(isa).unwrap();
            let (mut y, mut dx) = (vec![0.0; dout.len()], vec![0.0; x.len()]);
            let mut dw = vec![0.0; w.len()];
            let mut scratch = room::<f32>(&g);
            Forward::new(g.clone(), true).run(
                &x,
                w[..].into(),
                (Some(&bias), Activation::Tanh),
                &mut y,
                &mut scratch,
                &NoConsumer,
            );
            let pass = InputGrad::new(g.clone());
            pass.run(&dout, w[..].into(), &mut dx, &mut scratch, &NoConsumer);
            kernel_grad(&g, &x, Lines::Stored(&dout), &mut dw, &mut scratch);
            let all = y.iter().chain(&dx).chain(&dw);
            all.map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        let expected = run(Isa::Scalar);
        for isa in Isa::ALL.into_iter().filter(|i| i.is_available()) {
            assert!(run(isa) == expected, "{isa:?} {g:?}");
        }
        set_isa(Isa::best()).unwrap();
    }
}
