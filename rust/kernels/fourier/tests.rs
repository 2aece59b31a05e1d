use super::*;
use crate::kernels::gemm::Element;
use crate::kernels::isa::{set_isa, Isa};
use crate::kernels::threads::set_num_threads;
use std::f64::consts::TAU;

/// Every kind of length: none, all radices, a prime factor with sums, chirps.
const LENGTHS: [usize; 27] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 20, 30, 31, 37, 49, 60, 62, 64, 74, 97, 120, 128, 210,
    257, 1000,
];

fn numbers(len: usize, seed: usize) -> Vec<f64> {
    (0..len)
        .map(|i| ((i * 7919 + seed * 104729) % 2003) as f64 / 1001.0 - 1.0)
        .collect()
}

/// A sum with what each addition rounds off (Neumaier 1974).
#[derive(Clone, Copy, Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.lost += match self.sum.abs() >= x.abs() {
            true => (self.sum - sum) + x,
            false => (x - sum) + self.sum,
        };
        self.sum = sum;
    }
}

/// The sum that defines the transform.
fn expected(x: [&[f64]; 2], sign: f64) -> [Vec<f64>; 2] {
    let n = x[0].len();
    let one = |k: usize| {
        let (mut re, mut im) = (Sum::default(), Sum::default());
        for (i, (a, b)) in x[0].iter().zip(x[1]).enumerate() {
            let angle = sign * TAU * (k * i % n) as f64 / n as f64;
            let (sin, cos) = angle.sin_cos();
            re.add(a * cos);
            re.add(-b * sin);
            im.add(a * sin);
            im.add(b * cos);
        }
        (re.sum + re.lost, im.sum + im.lost)
    };
    let (re, im) = (0..n).map(one).unzip();
    [re, im]
}

/// The largest of some numbers, which all of them are measured by: a part may be small where the other is not.
fn largest(x: &[f64]) -> f64 {
    x.iter().fold(1.0, |a: f64, b| a.max(b.abs()))
}

fn assert_close<T: Float>(got: &[T], expected: &[f64], scale: f64, what: &str) {
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got.to_f64() - expected).abs() / scale;
        let allowed = 8.0 * T::EPSILON.to_f64();
        assert!(
            error <= allowed,
            "{what} at {i}: {got}, expected {expected}"
        );
    }
}

fn rounded<T: Float>(x: &[f64]) -> Vec<T> {
    x.iter().map(|x| T::from_f64(*x)).collect()
}

fn complex_rows<T: Float + Element>(rows: usize) {
    for n in LENGTHS {
        for inverse in [false, true] {
            let (re, im) = (numbers(rows * n, 1), numbers(rows * n, 2));
            let mut got = [vec![T::default(); rows * n], vec![T::default(); rows * n]];
            let [to_re, to_im] = &mut got;
            let x = [rounded::<T>(&re), rounded::<T>(&im)];
            Complex::new(n, inverse, 0.5).run([&x[0], &x[1]], [to_re, to_im]);
            for row in 0..rows {
                let at = row * n..(row + 1) * n;
                let sign = if inverse { 1.0 } else { -1.0 };
                let sums = expected([&re[at.clone()], &im[at.clone()]], sign);
                let scale = 0.5 * largest(&sums.concat());
                for (got, sums) in got.iter().zip(sums) {
                    let halves: Vec<f64> = sums.iter().map(|x| 0.5 * x).collect();
                    assert_close(
                        &got[at.clone()],
                        &halves,
                        scale,
                        &format!("{n} {inverse} {row}"),
                    );
                }
            }
        }
    }
}

fn real_rows<T: Float + Element>(rows: usize) {
    for n in LENGTHS {
        let bins = n / 2 + 1;
        let x = numbers(rows * n, 3);
        let mut got = [
            vec![T::default(); rows * bins],
            vec![T::default(); rows * bins],
        ];
        let [re, im] = &mut got;
        Real::<T>::new(n, 1.0, 1.0).analyse(&rounded::<T>(&x), [re, im]);
        let mut back = vec![T::default(); rows * n];
        let once = 1.0 / n as f64;
        Real::<T>::new(n, once, once).synthesise([&got[0], &got[1]], &mut back);
        assert_close(&back, &x, largest(&x), &format!("{n}, and back"));
        for row in 0..rows {
            let sums = expected([&x[row * n..(row + 1) * n], &vec![0.0; n]], -1.0);
            let scale = largest(&sums.concat());
            for (got, sums) in got.iter().zip(&sums) {
                let got = &got[row * bins..(row + 1) * bins];
                assert_close(got, &sums[..bins], scale, &format!("{n} row {row}"));
            }
        }
    }
}

#[test]
fn transforms_are_the_sums_that_define_them() {
    for rows in [1, 3, 13, 37] {
        complex_rows::<f64>(rows);
        complex_rows::<f32>(rows);
        real_rows::<f64>(rows);
        real_rows::<f32>(rows);
    }
}

#[test]
fn parts_that_a_real_row_has_none_of_are_zero_and_not_read() {
    for n in LENGTHS {
        let bins = n / 2 + 1;
        let x = numbers(5 * n, 4);
        let mut spectrum = [vec![0.0; 5 * bins], vec![0.0; 5 * bins]];
        let [re, im] = &mut spectrum;
        Real::new(n, 1.0, 1.0).analyse(&x, [re, im]);
        let free = |k: usize| k == 0 || 2 * k == n;
        for (i, x) in spectrum[1].iter().enumerate() {
            assert!(!free(i % bins) || *x == 0.0, "{n}: {x} at {i}");
        }
        let run = |im: &[f64]| {
            let mut y = vec![0.0; 5 * n];
            Real::new(n, 1.0, 1.0).synthesise([&spectrum[0], im], &mut y);
            y
        };
        let mut other = spectrum[1].clone();
        for (i, x) in other.iter_mut().enumerate() {
            if free(i % bins) {
                *x = 17.0;
            }
        }
        assert_eq!(run(&spectrum[1]), run(&other));
    }
}

#[test]
fn rows_have_the_same_bits_beside_any_others_and_on_any_machine() {
    let (isa, threads) = (
        crate::kernels::isa::isa(),
        crate::kernels::threads::num_threads(),
    );
    for n in [1, 2, 6, 31, 37, 60, 64, 74, 100, 257, 512] {
        let rows = 67;
        let x: Vec<f32> = rounded(&numbers(rows * n, 5));
        let bins = n / 2 + 1;
        let run = |x: &[f32]| {
            let mut y = [
                vec![0f32; x.len() / n * bins],
                vec![0f32; x.len() / n * bins],
            ];
            let [re, im] = &mut y;
            Real::new(n, 1.0, 1.0).analyse(x, [re, im]);
            let mut z = [vec![0f32; x.len()], vec![0f32; x.len()]];
            let [re, im] = &mut z;
            Complex::new(n, true, 1.0).run([x, x], [re, im]);
            let mut w = vec![0f32; x.len()];
            Real::new(n, 1.0, 0.5).synthesise([&y[0], &y[1]], &mut w);
            let [y0, y1] = y;
            let [z0, z1] = z;
            [y0, y1, z0, z1, w].map(|x| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        };
        let wanted = run(&x);
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            for threads in [1, 2, 3, 8] {
                set_isa(isa).unwrap();
                set_num_threads(threads);
                assert_eq!(run(&x), wanted, "{n} {isa:?} {threads}");
            }
        }
        for row in 0..rows {
            let alone = run(&x[row * n..(row + 1) * n]);
            for (alone, wanted) in alone.iter().zip(&wanted) {
                let width = alone.len();
                assert_eq!(
                    alone[..],
                    wanted[row * width..(row + 1) * width],
                    "{n} {row}"
                );
            }
        }
    }
    set_isa(isa).unwrap();
    set_num_threads(threads);
}

#[test]
fn roots_are_on_the_circle_and_exact_where_they_can_be() {
    assert_eq!(root(0, 7), [1.0, 0.0]);
    assert_eq!(root(1, 4), [0.0, -1.0]);
    assert_eq!(root(6, 12), [-1.0, 0.0]);
    assert_eq!(root(9, 12), [0.0, 1.0]);
    for n in [3, 8, 1000, 65537] {
        for k in 0..n {
            let [cos, sin] = root(k, n);
            let angle = TAU * k as f64 / n as f64;
            // The angle itself is rounded to 1e-15.
            assert!((cos - angle.cos()).abs() < 2e-15 && (sin + angle.sin()).abs() < 2e-15);
        }
    }
}
