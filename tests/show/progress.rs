//! Progress of loops: the items pass through, all of them, once.

use candlebook::prelude::*;

#[test]
fn every_item_passes_and_the_size_is_kept() {
    let bar = progress(vec![3, 1, 2]);
    assert_eq!(bar.size_hint(), (3, Some(3)));
    assert_eq!(bar.collect::<Vec<_>>(), [3, 1, 2]);
    let mut open = progress(std::iter::repeat(1).take_while(|_| true));
    assert_eq!((open.next(), open.next()), (Some(1), Some(1)));
    assert_eq!(progress(0..0).next(), None);
}
