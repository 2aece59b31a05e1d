//! Two kernels as one, of which the second goes on with the first one's result tile by tile, while the
//! tile is in the cache.

use super::{Input, Io, Kernel};
use crate::kernels::pointwise::USUAL;
use crate::memory::ALIGN;
use crate::tensor::Element;
use crate::with_dtype;
use smallvec::SmallVec;

/// `producer`, which has `count` inputs, and `consumer`, whose input `input` it makes. Inputs of the
/// chain are those of the producer, then those of the consumer but `input`. Output 0 is what the
/// producer makes, or what the consumer writes over it; the others are those of the consumer.
pub fn chain(mut producer: Kernel, count: usize, consumer: Kernel, input: usize) -> Kernel {
    let own = producer.scratch().next_multiple_of(ALIGN);
    let bytes = own + consumer.scratch();
    let repacking = producer.repacking.take();
    let can_fail = producer.can_fail() || consumer.can_fail();
    let run = move |io: &mut Io| {
        let (scratch, consumer_scratch) = io.scratch.split_at_mut(own);
        let (inputs, others) = io.inputs.split_at(count);
        let (made, outputs) = io.outputs.split_at_mut(1);
        let mut consumed: SmallVec<[Input; USUAL]> = others.iter().copied().collect();
        let made_here = Input {
            spec: made[0].spec,
            data: with_dtype!(made[0].spec.dtype, T => T::wrap(&[])),
            in_place: Some(0),
        };
        consumed.insert(input, made_here);
        let mut second = Io {
            inputs: &consumed,
            outputs,
            scratch: consumer_scratch,
            is_passed_on: io.is_passed_on,
            repacked: None,
        };
        let repacked = io.repacked;
        consumer.run_on_tiles(&mut second, &mut |tiles| {
            let mut first = Io {
                inputs,
                outputs: made,
                scratch,
                is_passed_on: false,
                repacked,
            };
            producer.run_in_tiles(&mut first, tiles)
        })
    };
    let kernel = Kernel::new(run).with_scratch(bytes).fallible(can_fail);
    kernel.repacks(repacking)
}
