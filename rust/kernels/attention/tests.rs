use super::*;
use crate::kernels::isa::{set_isa, Isa};
use crate::kernels::threads::set_num_threads;

fn sample(n: usize, step: f64) -> Vec<f64> {
    (0..n)
        .map(|i| (i as f64 * step).fract() * 2.0 - 1.0)
        .collect()
}

fn geometry(queries: usize, keys: usize, causal: bool, rate: f64) -> Geometry {
    Geometry {
        batch: 2,
        queries,
        keys,
        heads: 4,
        key_heads: 2,
        depth: 5,
        value_depth: 3,
        scale: 0.4,
        causal,
        mask: Some([keys, 0, 0, 1]),
        bias: Some([0, queries * keys, keys, 1]),
        rate,
        zero_masked: false,
    }
}

/// Result and gradients, one after the other.
fn all(g: &Geometry) -> Vec<u32> {
    let f32s = |n, step| -> Vec<f32> { sample(n, step).iter().map(|v| *v as f32).collect() };
    let (b, t, s, n, k) = (g.batch, g.queries, g.keys, g.heads, g.key_heads);
    let (q, keys) = (
        f32s(b * t * n * g.depth, 0.7311),
        f32s(b * s * k * g.depth, 0.377),
    );
    let v = f32s(b * s * k * g.value_depth, 0.5413);
    let bias = f32s(n * t * s, 0.913);
    let mask: Vec<u8> = (0..b * s).map(|i| (i >= s && i % 3 != 0) as u8).collect();
    let x = Operands {
        q: &q,
        k: &keys,
        v: &v,
        mask: &mask,
        bias: &bias,
        seed: [3, 9],
    };
    let mut out = vec![0.0; b * t * n * g.value_depth];
    attention(g, &x, &mut out);
    let dout = f32s(out.len(), 0.219);
    let mut grads = (q.clone(), keys.clone(), v.clone(), vec![0.0; b * n * t * s]);
    let to = Grads {
        q: &mut grads.0,
        k: &mut grads.1,
        v: &mut grads.2,
        scores: Some(&mut grads.3),
    };
    backward(g, &x, &dout, to);
    let parts = [&out, &grads.0, &grads.1, &grads.2, &grads.3];
    let bits = parts.into_iter().flatten().map(|v| v.to_bits());
    bits.collect()
}

#[test]
fn threads_and_instruction_sets_change_no_bit() {
    for (t, s) in [(3, 5), (40, 33), (150, 1100)] {
        for (causal, rate) in [(false, 0.0), (true, 0.0), (true, 0.3)] {
            let g = geometry(t, s, causal, rate);
            set_isa(Isa::Scalar).unwrap();
            set_num_threads(1);
            let expected = all(&g);
            assert!(expected.iter().all(|bits| !f32::from_bits(*bits).is_nan()));
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
                set_isa(isa).unwrap();
                for threads in [1, 3] {
                    set_num_threads(threads);
                    assert!(
                        all(&g) == expected,
                        "{t} {s} {causal} {rate} {isa:?} {threads}"
                    );
                }
            }
        }
    }
}

/// A causal tile leaves out keys that no query of it sees: the bits are those of a mask that says the same.
#[test]
fn what_nobody_sees_changes_no_bit() {
    let (t, s) = (70, 75);
    let causal = Geometry {
        mask: None,
        ..geometry(t, s, true, 0.0)
    };
    let masked = Geometry {
        mask: Some([0, 0, s, 1]),
        causal: false,
        ..causal.clone()
    };
    let mask: Vec<u8> = (0..t * s).map(|i| (i % s <= i / s) as u8).collect();
    let q = sample(2 * t * 4 * 5, 0.7311);
    let (k, v) = (sample(2 * s * 2 * 5, 0.377), sample(2 * s * 2 * 3, 0.541));
    let bias = sample(4 * t * s, 0.913);
    let x = Operands {
        q: &q,
        k: &k,
        v: &v,
        mask: &mask,
        bias: &bias,
        seed: [0, 0],
    };
    let run = |g| {
        let mut out = vec![0.0; 2 * t * 4 * 3];
        attention(g, &x, &mut out);
        out
    };
    assert_eq!(run(&causal), run(&masked));
}
