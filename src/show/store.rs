//! The variables of a notebook between its cells. The kernel lets every cell use this compiled store in
//! place of the engine's, which each cell would compile again. Nothing here is for users.

use super::frontend::token;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// Values by name.
#[derive(Default)]
pub struct VariableStore {
    variables: HashMap<String, Box<dyn Any>>,
    /// The definitions that a variable's type depends on, where it depends on some.
    types: HashMap<String, String>,
}

/// A store, which the process that runs cells keeps until it ends.
pub fn create_variable_store() -> *mut VariableStore {
    Box::into_raw(Box::default())
}

impl VariableStore {
    /// Stores a value.
    #[inline]
    pub fn put_variable<T: 'static>(&mut self, name: &str, value: T) {
        self.put(name, Box::new(value));
    }

    fn put(&mut self, name: &str, value: Box<dyn Any>) {
        self.variables.insert(name.to_owned(), value);
    }

    /// True for a value of this type. Otherwise tells the kernel that the variable is lost: its type has
    /// changed, or a cell has failed after it moved it.
    #[inline]
    pub fn check_variable<T: 'static>(&mut self, name: &str) -> bool {
        self.check(name, TypeId::of::<T>())
    }

    fn check(&mut self, name: &str, expected: TypeId) -> bool {
        let found = self.variables.get(name).map(|value| (**value).type_id());
        if found == Some(expected) {
            return true;
        }
        if found.is_some() {
            eprintln!(
                "`{name}` is lost: its type was defined again. Run the cell that makes it again."
            );
        }
        println!("\u{1e}{} EVCXR_VARIABLE_CHANGED_TYPE:{name}", token());
        false
    }

    /// Takes a value out of the store.
    ///
    /// # Panics
    /// If the store has no value of this type, which [`VariableStore::check_variable`] tells.
    #[inline]
    pub fn take_variable<T: 'static>(&mut self, name: &str) -> T {
        match self.take(name).downcast() {
            Ok(value) => *value,
            Err(_) => missing(name),
        }
    }

    fn take(&mut self, name: &str) -> Box<dyn Any> {
        self.variables.remove(name).unwrap_or_else(|| missing(name))
    }

    /// Stores the definitions that a variable's type depends on.
    pub fn put_types(&mut self, name: &str, types: &str) {
        self.types.insert(name.to_owned(), types.to_owned());
    }

    /// Makes a variable lost if the definitions that its type depends on have changed. A type id does not
    /// tell: it knows a type by its path.
    pub fn check_types(&mut self, name: &str, types: &str) {
        if self.types.get(name).is_some_and(|stored| stored != types) {
            self.put(name, Box::new(()));
        }
    }

    /// The value of this name, made if there is none.
    ///
    /// # Panics
    /// If the value is of another type.
    pub fn lazy_arc<T: 'static, F: FnOnce() -> T>(&mut self, name: &str, create: F) -> Arc<T> {
        let value = self.variables.entry(name.to_owned());
        let value = value.or_insert_with(|| Box::new(Arc::new(create())));
        match value.downcast_ref::<Arc<T>>() {
            Some(value) => Arc::clone(value),
            None => missing(name),
        }
    }
}

#[cold]
fn missing(name: &str) -> ! {
    panic!("the variable `{name}` is not in the store, or its type has changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_by_its_type() {
        let mut store = VariableStore::default();
        store.put_variable("a", vec![1, 2]);
        assert!(store.check_variable::<Vec<i32>>("a"));
        assert!(!store.check_variable::<Vec<u8>>("a") && !store.check_variable::<i32>("b"));
        assert_eq!(store.take_variable::<Vec<i32>>("a"), [1, 2]);
        assert!(!store.check_variable::<Vec<i32>>("a"));
    }

    #[test]
    fn a_variable_whose_type_was_defined_again_is_lost() {
        let mut store = VariableStore::default();
        store.put_variable("a", 1);
        store.check_types("a", "struct A;");
        assert!(store.check_variable::<i32>("a"));
        store.put_types("a", "struct A;");
        store.check_types("a", "struct A;");
        assert!(store.check_variable::<i32>("a"));
        store.check_types("a", "struct A(u8);");
        assert!(!store.check_variable::<i32>("a"));
    }

    #[test]
    fn a_shared_value_is_made_once() {
        let mut store = VariableStore::default();
        let first = store.lazy_arc("runtime", || 5);
        assert!(Arc::ptr_eq(&first, &store.lazy_arc("runtime", || 6)));
    }
}
