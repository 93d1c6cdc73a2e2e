//! Progress bars: the items of a loop pass through unchanged.

use candlebook::prelude::*;

#[test]
fn progress_yields_every_item_and_keeps_the_size_hint() {
    let bar = progress(vec![3, 1, 2]);
    assert_eq!(bar.size_hint(), (3, Some(3)));
    assert_eq!(bar.collect::<Vec<_>>(), [3, 1, 2]);
    let mut open = progress(std::iter::repeat(1).take_while(|_| true));
    assert_eq!((open.next(), open.next()), (Some(1), Some(1)));
    assert_eq!(progress(0..0).next(), None);
}
