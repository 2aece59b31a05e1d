use super::factors::{cholesky, determinant, lu, solve, solve_triangle, Triangle};
use super::householder::Reflections;
use super::singular::Singular;
use super::symmetric::eigen;
use super::*;
use crate::kernels::isa::{set_isa, Isa};

/// Numbers in [-1, 1), the same ones on every machine.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let k = b.len() / n;
    let columns = transposed(b, n);
    let rows = a.chunks_exact(k);
    let all = rows.flat_map(|x| columns.chunks_exact(k).map(move |y| dot(x, y)));
    all.collect()
}

fn far(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .fold(0.0, |top, (x, y)| (x - y).abs().max(top))
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n)
        .map(|i| if i / n == i % n { 1.0 } else { 0.0 })
        .collect()
}

/// `diag(s) V^T` of rows of V^T.
fn scaled(s: &[f64], rows: &[f64], n: usize) -> Vec<f64> {
    let rows = rows.chunks_exact(n).zip(s);
    rows.flat_map(|(row, s)| row.iter().map(move |x| x * s))
        .collect()
}

const SIZES: [usize; 7] = [1, 2, 3, 7, 20, 97, 130];

#[test]
fn factors_give_the_matrix_back() {
    for n in SIZES {
        let a = numbers(n * n, n as u64);
        let mut square = product(&a, &transposed(&a, n), n);
        (0..n).for_each(|i| square[i * n + i] += 1.0);
        let mut l = square.clone();
        assert!(cholesky(&mut l, n));
        assert!(far(&product(&l, &transposed(&l, n), n), &square) < 1e-12 * n as f64);
        let lower = Triangle {
            lower: true,
            unit: false,
        };
        let mut x = l.clone();
        assert!(solve_triangle(&l, n, lower, &mut x));
        assert!(far(&x, &identity(n)) < 1e-10);

        let mut factors = a.clone();
        let mut pivots = vec![0; n];
        lu(&mut factors, n, n, &mut pivots);
        let mut x = a.clone();
        assert!(solve(&factors, n, &pivots, &mut x));
        assert!(far(&x, &identity(n)) < 1e-9);
        let mut twice = product(&a, &a, n);
        let once = determinant(&factors, n, &pivots);
        lu(&mut twice, n, n, &mut pivots);
        let ratio = determinant(&twice, n, &pivots) / (once * once);
        assert!((ratio - 1.0).abs() < 1e-9, "{n}: {ratio}");
    }
}

#[test]
fn orthogonal_factors_give_the_matrix_back() {
    for (m, n) in [(1, 1), (3, 2), (7, 7), (40, 5), (97, 20), (130, 130)] {
        let a = numbers(m * n, (m + n) as u64);
        let reflections = Reflections::of(transposed(&a, n), m);
        let q = reflections.q(m);
        let back = product(&transposed(&q, m), &reflections.r(m), n);
        assert!(far(&back, &a) < 1e-13 * m as f64);
        assert!(far(&product(&q, &transposed(&q, m), m), &identity(m)) < 1e-13 * m as f64);
        for (a, m, n) in [(a.clone(), m, n), (transposed(&a, n), n, m)] {
            let k = m.min(n);
            let found = Singular::of(&a, m, n, true).unwrap();
            let right = scaled(&found.values, &found.v[..k * n], n);
            let back = product(&transposed(&found.u[..k * m], m), &right, n);
            assert!(far(&back, &a) < 1e-12 * m.max(n) as f64);
            for (rows, n) in [(&found.u, m), (&found.v, n)] {
                let square = product(rows, &transposed(rows, n), n);
                assert!(far(&square, &identity(n)) < 1e-12 * n as f64);
            }
        }
    }
}

#[test]
fn eigenvectors_give_the_matrix_back() {
    for n in SIZES {
        let a = numbers(n * n, n as u64);
        let a: Vec<f64> = a
            .iter()
            .zip(transposed(&a, n))
            .map(|(x, y)| x + y)
            .collect();
        for a in [a, identity(n), room(0.0, n * n)] {
            let (values, vectors) = eigen(a.clone(), n).unwrap();
            let back = product(&transposed(&vectors, n), &scaled(&values, &vectors, n), n);
            assert!(far(&back, &a) < 1e-13 * (n + 9) as f64);
            assert!(values.is_sorted());
        }
    }
}

#[test]
fn matrices_without_full_rank_have_whole_bases() {
    for (a, rank) in [
        (vec![0.0; 30], 0),
        (vec![1.0; 30], 1),
        (vec![1e-200; 30], 1),
        (vec![1e200; 30], 1),
    ] {
        let found = Singular::of(&a, 6, 5, true).unwrap();
        let top = found.values[0].max(f64::MIN_POSITIVE);
        assert_eq!(
            found.values.iter().filter(|s| **s > 1e-14 * top).count(),
            rank
        );
        for (rows, n) in [(&found.u, 6), (&found.v, 5)] {
            assert!(far(&product(rows, &transposed(rows, n), n), &identity(n)) < 1e-13);
        }
    }
}

#[test]
fn every_isa_gives_the_same_bits() {
    let n = 67;
    let run = || {
        let a = numbers(n * n, 5);
        let symmetric: Vec<f64> = a
            .iter()
            .zip(transposed(&a, n))
            .map(|(x, y)| x + y)
            .collect();
        let mut square = product(&a, &transposed(&a, n), n);
        assert!(cholesky(&mut square, n));
        let (mut factors, mut pivots) = (a.clone(), vec![0; n]);
        lu(&mut factors, n, n, &mut pivots);
        let singular = Singular::of(&a, n, n, false).unwrap();
        let (values, vectors) = eigen(symmetric, n).unwrap();
        let all = [
            square,
            factors,
            Reflections::of(a, n).columns,
            singular.u,
            singular.v,
            values,
            vectors,
        ];
        all.concat().iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    let expected = run();
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        set_isa(isa).unwrap();
        assert!(run() == expected, "{isa:?}");
    }
    set_isa(Isa::best()).unwrap();
}
