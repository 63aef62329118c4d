// What the runtime's two halves share: runtime.cpp runs the threads, checker.cpp watches their memory.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include <string>
#include <vector>

#include "emulator.h"

namespace emulator {

constexpr unsigned kWarpSize = 32;
constexpr size_t kStackBytes = 64 * 1024;  // kernels with larger frames are refused when they are compiled

enum class State : uint8_t { ready, at_barrier, at_warp_operation, finished };

#if defined(__x86_64__) && !defined(GRAPHC_EMULATOR_UCONTEXT)
struct Context { void* stack_pointer; };
#else
struct Context { ucontext_t machine; };
#endif

struct AsyncCopy { char* destination; const char* source; int bytes, valid_bytes; };
using CopyGroup = std::vector<AsyncCopy>;

struct WarpRequest {
  WarpOperation operation;
  unsigned mask;
  uint64_t value;
  int argument, width;
  void (*collective)(void** lanes);
};

struct Thread {
  Context context;
  State state;
  unsigned number;     // in its block
  uint3 index;
  int line;            // of the barrier or warp operation where it waits
  int predicate;       // of the barrier
  uint16_t warp_epoch; // counts the points where the whole warp met
  WarpRequest request;
  uint64_t result;
  CopyGroup open_copies;
  std::vector<CopyGroup> copy_groups;

  unsigned warp() const { return number / kWarpSize; }
  unsigned lane() const { return number % kWarpSize; }
};

struct Buffer { const char* name; char* begin; size_t bytes; uint32_t granule; bool initialised; };

enum class Schedule : int { forward, reverse, random };

// One launch, as the host describes it.
struct Launch {
  void (*entry)(void** arguments);
  void** arguments;
  const ModuleImage* image;
  const Buffer* buffers;
  size_t buffer_count;
  dim3 grid, block;
  size_t shared_bytes;
  uint32_t shared_granule;
  bool checked;
  Schedule schedule;
  uint64_t seed;
  uint64_t steps_per_block;
};

// The block that runs now.
struct Block {
  uint64_t number;
  uint32_t first_epoch, epoch;  // an epoch ends at each barrier; numbers are never used twice in a launch
  uint64_t steps_left;
  int barrier_result;
  bool aborted;
};

extern const Launch* launch;
extern Block block;
extern Thread* current;  // null while the scheduler itself runs
extern bool inside_atomic;
extern char* stacks;

void yield();
uint64_t random_number();
[[noreturn]] void abort_block();

// A finding names where it was made: a line of the kernel text, or an address in its code.
struct Place { int line; const void* code; };
void report(Place place, const char* format, ...) __attribute__((format(printf, 2, 3)));
bool too_many_findings();

namespace checker {
void begin_launch(char* dynamic_shared);
void end_launch();
void access(const void* address, size_t bytes, bool is_write, const void* code);
void forget(const void* address, size_t bytes);
}  // namespace checker
}  // namespace emulator
