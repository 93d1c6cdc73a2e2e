// A library whose functions are looked for when one is first called: with it a program is linked against CUDA where there
// is no CUDA, starts without it, and uses it where it is found. Candle links CUDA's libraries in the ordinary way, and such
// a program would not start on a machine without a GPU, not even to use the CPU.
//
// Compiled once for each library, for x86-64 Linux, with
//   NAMES    a file with a line LAZY(function) for each function
//   SONAME   the real library
//   MISSING  what functions return where it is missing: the library's own code for "no device" or "not initialized"
#include <dlfcn.h>
#include <stddef.h>

static const char *const names[] = {
#define LAZY(name) #name,
#include NAMES
#undef LAZY
};

// The address to go on to, one a function; at first that of its own detour. \@ counts the macro's uses.
extern void *lazy_slots[] __attribute__((visibility("hidden")));
asm(".data\n.balign 8\nlazy_slots:\n"
    ".text\n"
    ".macro lazy name\n"
    ".globl \\name\n.type \\name, @function\n"
    "\\name: jmp *lazy_slots+8*\\@(%rip)\n"
    "1: push $\\@\njmp lazy_detour\n"
    ".data\n.quad 1b\n.text\n"
    ".endm\n"
#define LAZY(name) "lazy " #name "\n"
#include NAMES
#undef LAZY
);

static int missing(void) { return MISSING; }

__attribute__((used)) static void *lazy_resolve(size_t index) {
  void *library = dlopen(SONAME, RTLD_NOW | RTLD_GLOBAL);
  void *function = library ? dlsym(library, names[index]) : NULL;
  if (!function) function = (void *)missing;
  // Two threads may both come here; they find the same.
  __atomic_store_n(&lazy_slots[index], function, __ATOMIC_RELEASE);
  return function;
}

// Keeps every register that can hold an argument, asks, and jumps to the function as if it had been called at once. On the
// stack at entry: the index, the return address. rbx is pushed for the alignment alone.
asm("lazy_detour:\n"
    "push %rdi\npush %rsi\npush %rdx\npush %rcx\npush %r8\npush %r9\npush %rax\npush %rbx\n"
    "sub $128, %rsp\n"
    "movups %xmm0, (%rsp)\nmovups %xmm1, 16(%rsp)\nmovups %xmm2, 32(%rsp)\nmovups %xmm3, 48(%rsp)\n"
    "movups %xmm4, 64(%rsp)\nmovups %xmm5, 80(%rsp)\nmovups %xmm6, 96(%rsp)\nmovups %xmm7, 112(%rsp)\n"
    "mov 192(%rsp), %rdi\n"
    "call lazy_resolve\n"
    "mov %rax, %r11\n"
    "movups (%rsp), %xmm0\nmovups 16(%rsp), %xmm1\nmovups 32(%rsp), %xmm2\nmovups 48(%rsp), %xmm3\n"
    "movups 64(%rsp), %xmm4\nmovups 80(%rsp), %xmm5\nmovups 96(%rsp), %xmm6\nmovups 112(%rsp), %xmm7\n"
    "add $128, %rsp\n"
    "pop %rbx\npop %rax\npop %r9\npop %r8\npop %rcx\npop %rdx\npop %rsi\npop %rdi\n"
    "add $8, %rsp\n"
    "jmp *%r11\n");
