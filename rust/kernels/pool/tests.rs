use super::*;

fn sample(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| ((i as f32 * 0.7311).fract() * 8.0).floor() - 4.0)
        .collect()
}

/// Windows of (2, 5, 9, 10, channels).
fn windows(
    window: [usize; 3],
    strides: [usize; 3],
    before: [usize; 3],
    channels: usize,
) -> Windows {
    let input = [5, 9, 10];
    Windows {
        images: 2,
        input,
        output: std::array::from_fn(|a| (input[a] + 2 * before[a] - window[a]) / strides[a] + 1),
        window,
        strides,
        before,
        channels,
    }
}

fn all() -> impl Iterator<Item = Windows> {
    let forms = [
        ([1, 2, 2], [1, 2, 2], [0, 0, 0]),
        ([2, 2, 2], [2, 3, 2], [0, 0, 0]),
        ([3, 3, 3], [2, 1, 2], [1, 1, 1]),
        ([3, 4, 2], [1, 2, 3], [2, 0, 1]),
        ([5, 9, 10], [1, 1, 1], [0, 0, 0]),
    ];
    let channels = [1, 3, 8, 33, 64];
    forms
        .into_iter()
        .flat_map(move |(w, s, b)| channels.map(|c| windows(w, s, b, c)))
}

/// The indices of a window in order, channel 0.
fn places(w: &Windows, image: usize, at: [usize; 3]) -> Vec<usize> {
    let mut found = Vec::new();
    for d in w.span(0, at[0]) {
        for h in w.span(1, at[1]) {
            for x in w.span(2, at[2]) {
                found.push(
                    (((image * w.input[0] + d) * w.input[1] + h) * w.input[2] + x) * w.channels,
                );
            }
        }
    }
    found
}

fn by_definition(w: &Windows, x: &[f32], dy: &[f32]) -> [Vec<f32>; 4] {
    let (mut top, mut mean) = (Vec::new(), Vec::new());
    let (mut dtop, mut dmean) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    for image in 0..w.images {
        for d in 0..w.output[0] {
            for h in 0..w.output[1] {
                for at in 0..w.output[2] {
                    for c in 0..w.channels {
                        let places = places(w, image, [d, h, at]);
                        let values = places.iter().map(|p| x[p + c]);
                        let largest = values.clone().fold(f32::MIN, f32::max);
                        let g = dy[top.len()];
                        let first = places.iter().find(|p| x[**p + c] == largest);
                        dtop[first.unwrap() + c] += g;
                        places
                            .iter()
                            .for_each(|p| dmean[p + c] += g / places.len() as f32);
                        top.push(largest);
                        mean.push(values.sum::<f32>() / places.len() as f32);
                    }
                }
            }
        }
    }
    [top, mean, dtop, dmean]
}

#[test]
fn pools_and_gradients_are_those_of_the_definition() {
    for w in all() {
        let x = sample(w.images * w.image());
        let outputs = w.images * w.output.iter().product::<usize>() * w.channels;
        let dy: Vec<f32> = sample(outputs).iter().map(|v| v + 0.25).collect();
        let expected = by_definition(&w, &x, &dy);
        let (mut top, mut mean) = (vec![9.0; outputs], vec![9.0; outputs]);
        let (mut dtop, mut dmean) = (vec![9.0; x.len()], vec![9.0; x.len()]);
        pool(Pooling::Max, &w, &x, &mut top);
        pool(Pooling::Mean, &w, &x, &mut mean);
        pool_grad(Pooling::Max, &w, &x, &top, &dy, &mut dtop);
        pool_grad(Pooling::Mean, &w, &x, &mean, &dy, &mut dmean);
        for (got, expected) in [top, mean, dtop, dmean].iter().zip(&expected) {
            for (got, expected) in got.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-4, "{w:?}");
            }
        }
    }
}

#[test]
fn unpooling_at_the_argmax_is_the_gradient() {
    let whole = ([1, 9, 10], [1, 1, 1], [0, 0, 0]);
    let apart = ([2, 2, 3], [3, 2, 4], [1, 1, 2]);
    let more = [whole, apart].map(|(w, s, b)| windows(w, s, b, 33));
    let mut tried = 0;
    for w in all().chain(more).filter(Windows::has_argmax) {
        tried += 1;
        let mut x = sample(w.images * w.image());
        x[7] = f32::NAN;
        let outputs = w.images * w.pooled();
        let dy = sample(outputs);
        let (mut top, mut dx) = (vec![9.0; outputs], vec![9.0; x.len()]);
        pool(Pooling::Max, &w, &x, &mut top);
        pool_grad(Pooling::Max, &w, &x, &top, &dy, &mut dx);
        let (mut chosen, mut argmax) = (vec![9.0; outputs], vec![9; outputs]);
        pool_with_argmax(&w, &x, &mut chosen, &mut argmax);
        let mut all = vec![9.0; x.len()];
        unpool(&w, &argmax, &dy, &mut all);
        let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&chosen), bits(&top), "{w:?}");
        assert_eq!(bits(&all), bits(&dx), "{w:?}");
        let line = w.input[2] * w.channels;
        let mut some = vec![9.0; 3 * line];
        unpool_lines(&w, &argmax, &dy, 7..10, &mut some);
        assert_eq!(bits(&some), bits(&dx[7 * line..10 * line]), "{w:?}");
    }
    assert_eq!(tried, 12);
}

#[test]
fn the_first_nan_takes_the_gradient() {
    let w = Windows {
        images: 1,
        input: [1, 1, 4],
        output: [1, 1, 1],
        window: [1, 1, 4],
        strides: [1, 1, 1],
        before: [0, 0, 0],
        channels: 1,
    };
    let x = [5.0, f32::NAN, 7.0, f32::NAN];
    let (mut y, mut dx, mut picked) = ([0.0], [9.0; 4], [0.0]);
    pool(Pooling::Max, &w, &x, &mut y);
    assert!(y[0].is_nan());
    pool_grad(Pooling::Max, &w, &x, &y, &[2.0], &mut dx);
    assert_eq!(dx, [0.0, 2.0, 0.0, 0.0]);
    pick(&w, &x, &y, &[1.0, 2.0, 3.0, 4.0], &mut picked);
    assert_eq!(picked, [2.0]);
}
