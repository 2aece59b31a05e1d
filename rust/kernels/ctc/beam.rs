//! The likeliest labellings of frames, by beam search over their beginnings.
//!
//! Of each beginning two probabilities are kept, of the ways that end in its last label and of those that
//! end in a blank: a label that follows itself begins a new one only after a blank. (Hannun et al.,
//! First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs, 2014,
//! algorithm 1, without a language model.)

use super::{log_sum, normaliser, NEVER};
use crate::kernels::float::Float;
use crate::kernels::interrupt;
use crate::kernels::isa::{dispatch, Loop};
use crate::memory::{reserve, room};
use std::cmp::Ordering;
use std::collections::HashMap;

/// How to search.
#[derive(Clone, Copy, Debug)]
pub struct Beams {
    pub classes: usize,
    pub blank: usize,
    /// The most beginnings that are kept after each frame, 1 or more.
    pub width: usize,
}

/// A labelling and its log-probability.
pub type Found = (Vec<usize>, f64);

/// One label after a beginning.
#[derive(Clone, Copy)]
struct Node {
    parent: usize,
    label: usize,
    len: usize,
}

/// All beginnings that have been kept, each once; the first is empty.
struct Tree {
    nodes: Vec<Node>,
    children: HashMap<(usize, usize), usize>,
}

/// A beginning: one of the tree, or one label more.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    node: usize,
    more: Option<usize>,
}

impl Tree {
    fn new() -> Self {
        let root = Node {
            parent: 0,
            label: usize::MAX,
            len: 0,
        };
        Tree {
            nodes: vec![root],
            children: HashMap::new(),
        }
    }

    fn enter(&mut self, place: Place) -> usize {
        let Some(label) = place.more else {
            return place.node;
        };
        let nodes = &mut self.nodes;
        *self.children.entry((place.node, label)).or_insert_with(|| {
            let node = Node {
                parent: place.node,
                label,
                len: nodes[place.node].len + 1,
            };
            reserve(nodes, 1);
            nodes.push(node);
            nodes.len() - 1
        })
    }

    fn len(&self, place: Place) -> usize {
        self.nodes[place.node].len + usize::from(place.more.is_some())
    }

    fn label(&self, place: Place) -> usize {
        place.more.unwrap_or(self.nodes[place.node].label)
    }

    fn without_last(&self, place: Place) -> Place {
        Place {
            node: match place.more {
                Some(_) => place.node,
                None => self.nodes[place.node].parent,
            },
            more: None,
        }
    }

    /// Which of two comes first at equal scores: that of the lower label where they part, the longer
    /// one where they do not.
    fn order(&self, a: Place, b: Place) -> Ordering {
        let (long_a, long_b) = (self.len(a), self.len(b));
        let cut = |mut place: Place, len: usize| {
            for _ in len..self.len(place) {
                place = self.without_last(place);
            }
            place
        };
        let (mut a, mut b) = (cut(a, long_b), cut(b, long_a));
        let mut first = long_b.cmp(&long_a);
        while a != b {
            first = self.label(a).cmp(&self.label(b)).then(first);
            (a, b) = (self.without_last(a), self.without_last(b));
        }
        first
    }

    fn labels(&self, node: usize) -> Vec<usize> {
        let mut labels = room(0, self.nodes[node].len);
        let mut at = node;
        for label in labels.iter_mut().rev() {
            *label = self.nodes[at].label;
            at = self.nodes[at].parent;
        }
        labels
    }
}

/// The beginnings that are kept, and the log-probabilities of both kinds of ways to each.
#[derive(Default)]
struct Kept {
    nodes: Vec<usize>,
    in_label: Vec<f64>,
    in_blank: Vec<f64>,
}

/// A beginning that may be kept: of the beam at this place, or one label more.
#[derive(Clone, Copy)]
struct Candidate {
    score: f64,
    beam: usize,
    more: Option<usize>,
}

/// `a = log(e^a + e^b)`, element by element.
struct LogSums<'a>(&'a mut [f64], &'a [f64]);

impl Loop for LogSums<'_> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (a, b) in self.0.iter_mut().zip(self.1) {
            *a = log_sum(*a, *b);
        }
    }
}

fn log_sums(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    dispatch(LogSums(&mut a, b));
    a
}

/// `out = log softmax(x)`.
struct LogShares<'a, T>(&'a [T], &'a mut [f64]);

impl<T: Float> Loop for LogShares<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (top, log) = normaliser(self.0, self.1);
        for (out, v) in self.1.iter_mut().zip(self.0) {
            *out = (v.to_f64() - top) - log;
        }
    }
}

impl Beams {
    /// The most beginnings that there can be after so many frames, at most the width.
    pub fn most(&self, frames: usize) -> usize {
        let others = self.classes - 1;
        let (mut all, mut of_length) = (1usize, 1usize);
        for _ in 0..frames {
            of_length = of_length.saturating_mul(others);
            let more = all.saturating_add(of_length);
            if more >= self.width || more == all {
                return more.min(self.width);
            }
            all = more;
        }
        all
    }

    /// The `top` likeliest labellings of `logits` (frames, classes) that are found, the likeliest first.
    pub fn search<T: Float>(&self, logits: &[T], top: usize) -> Vec<Found> {
        let mut tree = Tree::new();
        let mut kept = Kept {
            nodes: vec![0],
            in_label: vec![NEVER],
            in_blank: vec![0.0],
        };
        let mut shares = room(0.0, self.classes);
        for x in logits.chunks_exact(self.classes) {
            interrupt::check();
            dispatch(LogShares(x, &mut shares));
            kept = self.advance(&mut tree, kept, &shares);
        }
        let scores = log_sums(kept.in_label, &kept.in_blank);
        let place = |beam: usize| Place {
            node: kept.nodes[beam],
            more: None,
        };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|a, b| {
            let ties = || tree.order(place(*a), place(*b));
            scores[*b].total_cmp(&scores[*a]).then_with(ties)
        });
        let best = order.into_iter().take(top);
        best.map(|beam| (tree.labels(kept.nodes[beam]), scores[beam]))
            .collect()
    }

    /// What is kept after one more frame, of log-probabilities `shares`.
    fn advance(&self, tree: &mut Tree, kept: Kept, shares: &[f64]) -> Kept {
        let beams = kept.nodes.len();
        let label = |tree: &Tree, beam: usize| tree.nodes[kept.nodes[beam]].label;
        let total = log_sums(kept.in_label.clone(), &kept.in_blank);
        // The log-probability of one label more, the frame's own left out.
        let before = |tree: &Tree, beam: usize, more: usize| match more == label(tree, beam) {
            true => kept.in_blank[beam],
            false => total[beam],
        };

        let places: HashMap<usize, usize> = kept.nodes.iter().copied().zip(0..).collect();
        let mut in_label = room(NEVER, beams);
        let mut in_blank = room(NEVER, beams);
        let mut grown = room(NEVER, beams);
        // Of each beam, the labels after which it is another beam.
        let mut followed: Vec<(usize, usize)> = Vec::new();
        for beam in 0..beams {
            in_blank[beam] = total[beam] + shares[self.blank];
            let Node {
                parent, label, len, ..
            } = tree.nodes[kept.nodes[beam]];
            if len == 0 {
                continue;
            }
            in_label[beam] = kept.in_label[beam] + shares[label];
            if let Some(from) = places.get(&parent) {
                grown[beam] = before(tree, *from, label) + shares[label];
                followed.push((*from, label));
            }
        }
        let in_label = log_sums(in_label, &grown);
        followed.sort_unstable();

        let mut candidates = Vec::new();
        reserve(&mut candidates, beams.saturating_mul(self.classes));
        let stayed = log_sums(in_label.clone(), &in_blank);
        let mut followed = followed.into_iter().peekable();
        for (beam, score) in stayed.iter().enumerate() {
            let stays = Candidate {
                score: *score,
                beam,
                more: None,
            };
            candidates.push(stays);
            for (more, share) in shares.iter().enumerate() {
                let is_kept = followed.next_if(|next| *next == (beam, more)).is_some();
                if !is_kept && more != self.blank {
                    candidates.push(Candidate {
                        score: before(tree, beam, more) + share,
                        beam,
                        more: Some(more),
                    });
                }
            }
        }
        candidates.retain(|candidate| candidate.score > NEVER);
        let place = |candidate: &Candidate| Place {
            node: kept.nodes[candidate.beam],
            more: candidate.more,
        };
        if candidates.len() > self.width {
            candidates.select_nth_unstable_by(self.width, |a, b| {
                let ties = || tree.order(place(a), place(b));
                b.score.total_cmp(&a.score).then_with(ties)
            });
            candidates.truncate(self.width);
        }
        let mut next = Kept::default();
        for candidate in &candidates {
            next.nodes.push(tree.enter(place(candidate)));
            let (label, blank) = match candidate.more {
                Some(_) => (candidate.score, NEVER),
                None => (in_label[candidate.beam], in_blank[candidate.beam]),
            };
            next.in_label.push(label);
            next.in_blank.push(blank);
        }
        next
    }
}
