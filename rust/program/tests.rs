//! Random graphs with variables: a program gives the bits of its ops one after the other, whatever
//! memory it is lent, and a run that fails changes no variable. (Under AddressSanitizer these tests watch
//! the arena, the plan and lent memory.)

use super::arena::lock;
use super::step::{Batch, Rows};
use super::{owned_kernel, Program};
use crate::error::Error;
use crate::graph::{Cell, Graph, Source, Value};
use crate::kernels::map::Unary;
use crate::ops::build::Build;
use crate::ops::gather::Gather;
use crate::ops::matmul::Matmul;
use crate::ops::reduce::Reduction;
use crate::ops::softmax::Softmax;
use crate::tensor::{DType, DataMut, Element, Spec, Tensor};
use std::collections::HashMap;
use std::sync::Arc;

/// Knuth's multiplier, the high bits.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }

    fn floats(&mut self, shape: &[usize]) -> Tensor {
        let mut out = Tensor::zeros(Spec::new(shape, DType::F32)).unwrap();
        for x in f32::slice_mut(&mut out.data_mut()) {
            *x = self.below(2001) as f32 / 1000.0 - 1.0;
        }
        out
    }
}

const ROWS: usize = 70;
const COLUMNS: usize = 48;
const CELLS: usize = 3;

struct Drawn {
    graph: Graph,
    cells: Vec<Arc<Cell>>,
    outputs: Vec<Value>,
}

/// A graph of matrices (70, 48): every drawn op gives one again, so that any two can meet.
fn draw(random: &mut Random) -> Drawn {
    let mut graph = Graph::new();
    let x = graph
        .input("x", Spec::new([ROWS, COLUMNS], DType::F32))
        .unwrap();
    let rows = graph.input("rows", Spec::new([ROWS], DType::I32)).unwrap();
    let cells: Vec<_> = (0..CELLS)
        .map(|_| Cell::new(random.floats(&[ROWS, COLUMNS])))
        .collect();
    let mut pool = vec![x];
    pool.extend(cells.iter().map(|cell| graph.read(cell)));
    for _ in 0..6 + random.below(14) {
        let (a, b) = (
            pool[random.below(pool.len())],
            pool[random.below(pool.len())],
        );
        let g = &mut graph;
        let made = match random.below(9) {
            0 => g.unary(Unary::Tanh, a).unwrap(),
            1 => g.unary(Unary::Relu, a).unwrap(),
            2 => g.add(a, b).unwrap(),
            3 => g.mul(a, b).unwrap(),
            4 => g.push(Softmax { axis: 1 }, &[a]).unwrap(),
            5 => {
                // (70, 48) (48, 70) (70, 48), not in place.
                let product = |transpose_b| Matmul {
                    transpose_a: false,
                    transpose_b,
                };
                let square = g.push(product(true), &[a, b]).unwrap();
                let product = g.push(product(false), &[square, a]).unwrap();
                g.unary(Unary::Tanh, product).unwrap()
            }
            6 => {
                let sums = g.reduce(Reduction::Sum, a, &[0], true).unwrap();
                g.sub(b, sums).unwrap()
            }
            7 => {
                let view = g.reshape(a, &[(ROWS * COLUMNS).into()]).unwrap();
                let squares = g.unary(Unary::Square, view).unwrap();
                g.reshape(squares, &[ROWS.into(), COLUMNS.into()]).unwrap()
            }
            _ => {
                let t = g.transpose(a, &[1, 0]).unwrap();
                g.transpose(t, &[1, 0]).unwrap()
            }
        };
        pool.push(made);
        if random.below(5) == 0 {
            let cell = &cells[random.below(CELLS)];
            let value = pool[random.below(pool.len())];
            graph.assign(cell, value).unwrap();
            pool.push(graph.read(cell));
        }
    }
    if random.below(3) == 0 {
        // Two variables exchanged.
        let (a, b) = (graph.read(&cells[0]), graph.read(&cells[1]));
        graph.assign(&cells[0], b).unwrap();
        graph.assign(&cells[1], a).unwrap();
    }
    let late = pool[random.below(pool.len())];
    let picked = graph.push(Gather { axis: 0 }, &[late, rows]).unwrap();
    let outputs = vec![picked, pool[random.below(pool.len())], pool[pool.len() - 1]];
    Drawn {
        graph,
        cells,
        outputs,
    }
}

/// Every value, by its op alone.
fn one_by_one(graph: &Graph, feeds: &[Tensor]) -> HashMap<Value, Tensor> {
    let mut values: HashMap<Value, Tensor> = HashMap::new();
    for at in 0..graph.len() {
        let made = match graph.source(Value(at)) {
            Source::Input { index, .. } => feeds[*index].copy().unwrap(),
            Source::Read(cell) => cell.tensor.read().unwrap().copy().unwrap(),
            Source::Constant(tensor) => tensor.copy().unwrap(),
            Source::Node { node, .. } => {
                let node = &graph.nodes[*node];
                let inputs: Vec<_> = node.inputs.iter().map(|v| &values[v]).collect();
                let inputs: Vec<_> = inputs.iter().map(|t| (t.spec(), t.data())).collect();
                let mut out = Tensor::zeros(graph.spec(Value(at)).clone()).unwrap();
                let spec = out.spec().clone();
                let mut target = out.data_mut();
                let target = std::iter::once((&spec, &mut target));
                crate::ops::apply(&*node.op, &inputs, target, &owned_kernel).unwrap();
                out
            }
        };
        values.insert(Value(at), made);
    }
    values
}

fn run(program: &Program, feeds: &[Tensor], results: &mut [Tensor]) -> Result<(), Error> {
    let rows: Vec<Rows> = feeds.iter().map(Rows::of).collect();
    let (mut cells, mut arena) = (lock(&program.cells), program.arenas.lend().unwrap());
    let targets: Vec<DataMut> = results.iter_mut().map(Tensor::data_mut).collect();
    program.run(
        &mut cells,
        &mut arena,
        &rows,
        Batch::From(0),
        targets.into_iter(),
    )
}

fn contents(cells: &[Arc<Cell>]) -> Vec<Vec<u8>> {
    let read = |cell: &Arc<Cell>| cell.tensor.read().unwrap().bytes().to_vec();
    cells.iter().map(read).collect()
}

fn row_numbers(largest: usize) -> Tensor {
    let mut rows = Tensor::zeros(Spec::new([ROWS], DType::I32)).unwrap();
    let mut data = rows.data_mut();
    let numbers = i32::slice_mut(&mut data);
    for (i, row) in numbers.iter_mut().enumerate() {
        *row = ((i * 31) % ROWS) as i32;
    }
    numbers[ROWS / 2] = largest as i32;
    rows
}

#[test]
fn random_programs_give_the_bits_of_their_ops() {
    for seed in 0..if cfg!(miri) { 3 } else { 150 } {
        let random = &mut Random(seed);
        let drawn = draw(random);
        let program = Program::compile(&drawn.graph, &drawn.outputs, true).unwrap();
        for _ in 0..3 {
            let mut feeds = vec![random.floats(&[ROWS, COLUMNS]), row_numbers(ROWS - 1)];
            let expected = one_by_one(&drawn.graph, &feeds);
            let mut results: Vec<Tensor> = drawn
                .outputs
                .iter()
                .map(|v| Tensor::zeros(drawn.graph.spec(*v).clone()).unwrap())
                .collect();
            let before = contents(&drawn.cells);
            feeds[1] = row_numbers(ROWS);
            let failed = run(&program, &feeds, &mut results);
            assert!(
                matches!(failed, Err(Error::Data(_))),
                "seed {seed}: {failed:?}"
            );
            assert_eq!(
                contents(&drawn.cells),
                before,
                "seed {seed}: a run that fails"
            );

            feeds[1] = row_numbers(ROWS - 1);
            run(&program, &feeds, &mut results).unwrap();
            for (value, result) in drawn.outputs.iter().zip(&results) {
                assert_eq!(
                    result.bytes(),
                    expected[value].bytes(),
                    "seed {seed}: {value:?}"
                );
            }
            let after = contents(&drawn.cells);
            for (at, cell) in drawn.cells.iter().enumerate() {
                let assigned = drawn.graph.assigned.iter().find(|(c, _)| c.id == cell.id);
                let expected = match assigned {
                    Some((_, value)) => expected[value].bytes(),
                    None => &before[at][..],
                };
                assert_eq!(after[at], expected, "seed {seed}: variable {at}");
            }
        }
    }
}

#[test]
fn threads_run_one_program_at_once() {
    let random = &mut Random(7);
    let drawn = draw(random);
    let program = Program::compile(&drawn.graph, &drawn.outputs, false).unwrap();
    let all: Vec<_> = (0..4)
        .map(|_| {
            let feeds = vec![random.floats(&[ROWS, COLUMNS]), row_numbers(ROWS - 1)];
            let values = one_by_one(&drawn.graph, &feeds);
            let expected: Vec<Vec<u8>> = drawn
                .outputs
                .iter()
                .map(|v| values[v].bytes().to_vec())
                .collect();
            (feeds, expected)
        })
        .collect();
    let (drawn, program) = (&drawn, &program);
    std::thread::scope(|scope| {
        for (feeds, expected) in &all {
            scope.spawn(move || {
                for _ in 0..if cfg!(miri) { 2 } else { 50 } {
                    let mut results: Vec<Tensor> = drawn
                        .outputs
                        .iter()
                        .map(|v| Tensor::zeros(drawn.graph.spec(*v).clone()).unwrap())
                        .collect();
                    run(program, feeds, &mut results).unwrap();
                    for (result, expected) in results.iter().zip(expected) {
                        assert_eq!(result.bytes(), expected);
                    }
                }
            });
        }
    });
}
