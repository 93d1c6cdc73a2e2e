//! Sequences of numbers of every type.

use candlebook::prelude::*;

#[test]
fn slices_ranges_and_tensors_become_f64() {
    assert_eq!([1u8, 255].numbers().unwrap(), [1.0, 255.0]);
    assert_eq!(vec![-1i64].numbers().unwrap(), [-1.0]);
    assert_eq!((2usize..4).numbers().unwrap(), [2.0, 3.0]);
    let matrix = Tensor::new(&[[1u32, 2], [3, 4]], &Device::Cpu).unwrap();
    assert_eq!(matrix.numbers().unwrap(), [1.0, 2.0, 3.0, 4.0]);
}
