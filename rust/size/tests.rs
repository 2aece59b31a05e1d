//! What is said of symbols.

use super::*;

fn symbols() -> [Size; 3] {
    [0, 1, 2].map(Size::symbol)
}

#[test]
fn equal_sums_are_one() {
    let [a, b, _] = symbols();
    assert_eq!((a + b) * (a - b), a * a - b * b);
    assert_eq!(a + b - a, b);
    assert_eq!(a - a, Size::ZERO);
    assert_ne!(a, b);
    assert_eq!((a * 3usize).to_string(), "None");
    assert_eq!(Size::of(7).to_string(), "7");
}

#[test]
fn sums_divide() {
    let [a, b, c] = symbols();
    assert_eq!((a * 12usize).floor_div(4usize), a * 3usize);
    assert_eq!((a * b * 6usize).floor_div(b * 2usize), a * 3usize);
    assert_eq!(((a + 1) * b * 8usize).floor_div(a + 1), b * 8usize);
    assert_eq!(((a + b) * (b + c)).floor_div(b + c), a + b);
    assert_eq!((a * 2usize + 1).floor_div(2usize), a);
    // What does not come out is itself, however it is written.
    let half = (a + 3).floor_div(2usize);
    assert_eq!(half, (a + 1).floor_div(2usize) + 1);
    assert_eq!(half - (a + 1).floor_div(2usize), Size::ONE);
    assert_eq!(
        (a * 13usize).whole_div(143usize).map(Size::is_known),
        Some(false)
    );
    assert_eq!(Size::of(13).whole_div(143usize), None);
    assert_eq!(Size::signed(-7).floor_div(2usize), Size::signed(-4));
    assert_eq!(Size::signed(-7).floor_div(Size::signed(-2)), Size::of(3));
}

#[test]
fn sizes_are_compared_where_they_can() {
    let [a, b, _] = symbols();
    assert!(a.may_be(1usize) && a.may_be(b) && a.may_be(b * 2usize));
    assert!(!a.may_be(a + 1) && !a.may_be(0usize) && !(a * 2usize + 1).may_be(2usize));
    assert!(!(a * 8usize).may_be(21usize) && (a * 8usize).may_be(24usize));
    assert!(a.surely_below(a + 1) && !a.surely_below(b) && !a.surely_below(2usize));
    assert!((a - 1).max(0usize) == a - 1 && (a - 5).max(a) == a);
    let either = a.max(b);
    assert!(!either.is_known() && either.may_be(a) && !either.surely_below(1usize));
    assert!(a.floor_div(2usize).may_be(0usize) && !(a * 2usize).floor_div(2usize).may_be(0usize));
    assert_eq!(a.agreed(Size::of(4)), Some(Size::of(4)));
    assert_eq!(Size::of(4).agreed(a), Some(Size::of(4)));
    assert_eq!(Size::of(4).agreed(Size::of(5)), None);
}

#[test]
fn sums_that_grow_end() {
    let [a, b, c] = symbols();
    let mut long = a + b + c;
    for _ in 0..200 {
        long = long * long + 1;
    }
    assert!(!long.is_known() && long.terms().len() <= LONGEST);
    assert!(long.surely_below(long + 1) && !long.may_be(7usize));
    assert_eq!(a.pow(3), a * a * a);
    assert_eq!(a.pow(u32::MAX).lowest(), Some(1));
}

#[test]
fn numbers_stop_at_the_ends() {
    assert_eq!(Size::of(usize::MAX), Size::of(isize::MAX as usize));
    assert_eq!(
        Size::of(1 << 62) * Size::of(4),
        Size::of(isize::MAX as usize)
    );
    let low = Size::signed(isize::MIN);
    assert!(low.is_known() && (low - 1).is_known() && (low * 2usize).is_known());
}

#[test]
#[should_panic(expected = "known size")]
fn an_unknown_size_is_no_number() {
    let _ = Size::symbol(0).get();
}
