//! Tests: kernels beside plain ndarray expressions of the same thing.

use super::columns::fold_columns;
use super::fold::Fold;
use super::gemm::{gemm, Mat, MatMut, NoEpilogue};
use super::moments::moments;
use super::normalise::layer_norm;
use super::softmax::{log_softmax, softmax};
use ndarray::{Array1, Array2, Axis};

/// From one element to more than one thread takes.
const SHAPES: [(usize, usize); 5] = [(1, 1), (7, 3), (65, 130), (1031, 24), (130, 1100)];

fn sample(rows: usize, n: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, n), |(i, j)| {
        ((i * n + j) as f64 * 0.7311).fract() * 3.0 - 1.2
    })
}

fn flat(x: &Array2<f64>) -> &[f64] {
    x.as_slice().unwrap()
}

fn assert_close(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len());
    for (at, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= 1e-12 * b.abs().max(1.0),
            "{what}[{at}]: {a}, {b}"
        );
    }
}

/// Integers, whose sums are exact in any order.
#[test]
fn products_are_dots() {
    for (m, k, n) in [(1, 1, 1), (3, 70, 5), (64, 1000, 33), (130, 257, 131)] {
        let a = Array2::from_shape_fn((m, k), |(i, j)| ((i * 31 + j * 7) % 17) as f32 - 8.0);
        let b = Array2::from_shape_fn((k, n), |(i, j)| ((i * 5 + j * 11) % 13) as f32 - 6.0);
        let mut c = vec![0.0; m * n];
        let (x, y) = (a.as_slice().unwrap(), b.as_slice().unwrap());
        let to = MatMut::row_major(&mut c, m, n);
        gemm(
            Mat::row_major(x, m, k),
            Mat::row_major(y, k, n),
            to,
            false,
            &NoEpilogue,
        );
        assert_eq!(
            c,
            a.dot(&b).into_raw_vec_and_offset().0,
            "({m}, {k}) @ ({k}, {n})"
        );
    }
}

#[test]
fn columns_are_folded_as_axes_are() {
    for (rows, n) in SHAPES {
        let x = sample(rows, n);
        let mut out = vec![0.0; n];
        fold_columns(Fold::Sum, flat(&x), n, &mut out);
        assert_close(&out, x.sum_axis(Axis(0)).as_slice().unwrap(), "sum");
        fold_columns(Fold::Max, flat(&x), n, &mut out);
        let largest = x.fold_axis(Axis(0), f64::NEG_INFINITY, |a, b| a.max(*b));
        assert_eq!(out, largest.to_vec());
    }
}

#[test]
fn moments_are_mean_and_variance() {
    for (rows, n) in SHAPES {
        let x = sample(rows, n);
        let (mut mean, mut variance) = (vec![0.0; n], vec![0.0; n]);
        moments(flat(&x), &mut mean, &mut variance);
        let expected = x.mean_axis(Axis(0)).unwrap();
        assert_close(&mean, expected.as_slice().unwrap(), "mean");
        let expected = x.var_axis(Axis(0), 0.0);
        assert_close(&variance, expected.as_slice().unwrap(), "variance");
    }
}

#[test]
fn rows_are_normalised() {
    for (rows, n) in SHAPES {
        let x = sample(rows, n);
        let mut out = vec![0.0; rows * n];
        let e = x.mapv(f64::exp);
        let shares = &e / &e.sum_axis(Axis(1)).insert_axis(Axis(1));
        softmax(flat(&x), &mut out, n);
        assert_close(&out, flat(&shares), "softmax");
        log_softmax(flat(&x), &mut out, n);
        assert_close(&out, flat(&shares.mapv(f64::ln)), "log_softmax");

        let gamma = Array1::from_shape_fn(n, |j| 1.0 + j as f64 / n as f64);
        let beta = Array1::from_shape_fn(n, |j| j as f64 / 7.0 % 1.0);
        let centred = &x - &x.mean_axis(Axis(1)).unwrap().insert_axis(Axis(1));
        let variance = x.var_axis(Axis(1), 0.0).insert_axis(Axis(1));
        let expected = centred / (variance + 1e-3).mapv(f64::sqrt) * &gamma + &beta;
        let (gamma, beta) = (gamma.as_slice().unwrap(), beta.as_slice().unwrap());
        layer_norm(flat(&x), gamma, beta, 1e-3, &mut out);
        assert_close(&out, flat(&expected), "layer_norm");
    }
}
