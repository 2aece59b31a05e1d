use super::beam::Beams;
use super::*;
use crate::kernels::isa::{set_isa, Isa};

fn sample(frames: usize, classes: usize) -> Vec<f64> {
    (0..frames * classes)
        .map(|i| (i as f64 * 0.7311).fract() * 4.0 - 2.0)
        .collect()
}

/// The labelling of a path: repeats once, without blanks.
fn labelling(path: &[usize], blank: usize) -> Vec<usize> {
    let mut labels = Vec::new();
    for (t, class) in path.iter().enumerate() {
        if *class != blank && (t == 0 || path[t - 1] != *class) {
            labels.push(*class);
        }
    }
    labels
}

/// Each path, and its log-probability.
fn paths(logits: &[f64], classes: usize) -> Vec<(Vec<usize>, f64)> {
    let mut all = vec![(Vec::new(), 0.0)];
    for x in logits.chunks(classes) {
        let sum: f64 = x.iter().map(|v| v.exp()).sum();
        all = all
            .iter()
            .flat_map(|(path, log): &(Vec<usize>, f64)| {
                (0..classes).map(move |c| ([&path[..], &[c]].concat(), log + x[c] - sum.ln()))
            })
            .collect();
    }
    all
}

fn probability(logits: &[f64], classes: usize, labels: &[usize], blank: usize) -> f64 {
    let all = paths(logits, classes);
    let mine = all
        .iter()
        .filter(|(path, _)| labelling(path, blank) == labels);
    mine.map(|(_, log)| log.exp()).sum()
}

#[test]
fn sums_of_logarithms() {
    for high in [-1e5, -745.0, -3.0, 0.0, 2.5] {
        for mid in [0.0, 1e-9, 0.3, 1.0, 5.0, 36.0, 800.0, f64::INFINITY] {
            for low in [0.0, 0.1, 2.0, 40.0, f64::INFINITY] {
                let [a, b, c] = [high, high - mid, high - mid - low];
                let expected = high + ((-mid).exp() + (-mid - low).exp()).ln_1p();
                for got in [log_sum3(a, b, c), log_sum3(c, a, b), log_sum3(b, c, a)] {
                    let allowed = 4e-16 + 2e-16 * expected.abs();
                    assert!(
                        (got - expected).abs() <= allowed,
                        "{a} {b} {c}: {got} {expected}"
                    );
                }
            }
        }
    }
    assert_eq!(log_sum3(NEVER, NEVER, NEVER), NEVER);
    for at in 0..3 {
        let mut x = [NEVER, 1.0, 2.0];
        x[at] = f64::NAN;
        assert!(log_sum3(x[0], x[1], x[2]).is_nan());
    }
}

#[test]
fn the_loss_is_the_sum_over_all_paths() {
    let (frames, classes) = (5, 3);
    let logits = sample(frames, classes);
    for blank in 0..classes {
        let [a, b] = [(blank + 1) % 3, (blank + 2) % 3];
        for labels in [
            vec![],
            vec![a],
            vec![a, a],
            vec![a, b, a],
            vec![b, b, b],
            vec![a, b, b, a],
        ] {
            let loss_of = |logits: &[f64], grad: Option<&mut [f64]>| {
                let row = Labelled {
                    logits,
                    classes,
                    labels: &labels,
                    blank,
                };
                ctc(row, grad)
            };
            let mut grad = vec![0.0; logits.len()];
            let loss = loss_of(&logits, Some(&mut grad));
            let expected = -probability(&logits, classes, &labels, blank).ln();
            assert!(
                (loss - expected).abs() < 1e-12,
                "{labels:?} {loss} {expected}"
            );
            assert_eq!(loss, loss_of(&logits, None));
            for i in 0..logits.len() {
                let moved = |step: f64| {
                    let mut x = logits.clone();
                    x[i] += step;
                    loss_of(&x, None)
                };
                let measured = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((grad[i] - measured).abs() < 1e-8, "{labels:?} {i}");
            }
        }
    }
}

#[test]
fn labellings_that_cannot_be_have_an_infinite_loss() {
    let never = f64::NEG_INFINITY;
    let logits = [0.0, never, 0.0, 0.0, never, 0.0];
    let loss = |labels| {
        ctc(
            Labelled {
                logits: &logits,
                classes: 3,
                labels,
                blank: 0,
            },
            None,
        )
    };
    assert_eq!(loss(&[1]), f64::INFINITY);
    assert!((loss(&[2]) - (4.0f64 / 3.0).ln()).abs() < 1e-15);
    assert!(ctc(
        Labelled {
            logits: &[f64::NAN; 3],
            classes: 3,
            labels: &[2],
            blank: 0
        },
        None
    )
    .is_nan());
    assert_eq!(
        ctc(
            Labelled::<f64> {
                logits: &[],
                classes: 3,
                labels: &[],
                blank: 0
            },
            None
        ),
        0.0
    );
    assert_eq!(least_frames(&[1, 1, 2, 2, 2, 1]), 9);
}

#[test]
fn wide_beams_find_all_labellings_in_order() {
    let (frames, classes, blank) = (5, 3, 1);
    let logits = sample(frames, classes);
    let beams = Beams {
        classes,
        blank,
        width: 1000,
    };
    let found = beams.search(&logits, 1000);
    assert!(found.len() <= beams.most(frames));
    let total: f64 = found.iter().map(|(_, score)| score.exp()).sum();
    assert!((total - 1.0).abs() < 1e-12);
    assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    for (labels, score) in &found {
        let expected = probability(&logits, classes, labels, blank).ln();
        assert!((score - expected).abs() < 1e-12, "{labels:?}");
    }
}

#[test]
fn equal_scores_go_by_labels() {
    let beams = Beams {
        classes: 3,
        blank: 0,
        width: 4,
    };
    let found = beams.search(&[0.0; 3], 9);
    let labels: Vec<_> = found.into_iter().map(|(labels, _)| labels).collect();
    assert_eq!(labels, [vec![1], vec![2], vec![]]);
    let sizes = [
        (1, 3, 10, 1),
        (3, 0, 10, 1),
        (3, 1, 10, 3),
        (3, 2, 100, 7),
        (30, 99, 7, 7),
    ];
    for (classes, frames, width, most) in sizes {
        assert_eq!(
            Beams {
                classes,
                blank: 0,
                width
            }
            .most(frames),
            most
        );
    }
}

#[test]
fn every_isa_gives_the_same_bits() {
    let (frames, classes) = (70, 37);
    let logits: Vec<f32> = sample(frames, classes).iter().map(|v| *v as f32).collect();
    let labels: Vec<usize> = (0..21).map(|i| 1 + i * i % 36).collect();
    let run = |isa| {
        set_isa(isa).unwrap();
        let mut grad = vec![0.0f32; logits.len()];
        let row = Labelled {
            logits: &logits,
            classes,
            labels: &labels,
            blank: 0,
        };
        let loss = ctc(row, Some(&mut grad));
        let found = Beams {
            classes,
            blank: 0,
            width: 9,
        }
        .search(&logits, 3);
        let bits: Vec<u32> = grad.iter().map(|g| g.to_bits()).collect();
        let scores: Vec<_> = found
            .into_iter()
            .map(|(l, score)| (l, score.to_bits()))
            .collect();
        (loss.to_bits(), bits, scores)
    };
    let expected = run(Isa::Scalar);
    for isa in Isa::ALL.into_iter().filter(|i| i.is_available()) {
        assert_eq!(run(isa), expected, "{isa:?}");
    }
}
