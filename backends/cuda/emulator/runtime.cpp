// Runs the threads of a CUDA launch on one CPU thread.
//
// In:  a Launch: an entry point compiled with emulator.h, its arguments, buffers, grid and block.
// Out: the effects on the buffers, and the findings as lines "place<TAB>message".
//
// Each CUDA thread is a fiber. Blocks run one after the other; within a block a fiber runs until it waits at a
// barrier or a warp operation. When all that must meet have arrived, the rendezvous is carried out at once.
#include "runtime.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <set>

BuiltinVariables graphc_builtin;

namespace emulator {

const Launch* launch;
Block block;
Thread* current;
bool inside_atomic;
char* stacks;

static Context scheduler;
static std::vector<Thread> threads;
static char* dynamic_shared;
static uint64_t random_state;
static std::string findings;
static std::set<std::string> seen;  // findings without their numbers: one example of each is enough
constexpr size_t kMostFindings = 16;

// ---- fibers ----

static void fiber_main() {
  launch->entry(launch->arguments);
  if (!current->open_copies.empty() || !current->copy_groups.empty())
    report({0, nullptr}, "thread %u of block %llu ends with asynchronous copies in flight", current->number,
           (unsigned long long)block.number);
  current->state = State::finished;
  yield();
  abort();  // a finished fiber is never resumed
}

#if defined(__x86_64__) && !defined(GRAPHC_EMULATOR_UCONTEXT)

// Saves what the System V calling convention lets a callee keep; swapcontext would add two system calls.
extern "C" void graphc_switch(void** saved_stack_pointer, void* next_stack_pointer);
asm(R"(
.text
.type graphc_switch, @function
graphc_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");

static void prepare(Context& context, char* stack) {
  constexpr int saved_registers = 6;
  void** top = reinterpret_cast<void**>(stack + kStackBytes - 64);
  top[0] = reinterpret_cast<void*>(fiber_main);  // graphc_switch returns to it, with the stack aligned as after a call
  top[1] = nullptr;
  context.stack_pointer = top - saved_registers;
  memset(context.stack_pointer, 0, saved_registers * sizeof(void*));
}
static void switch_to(Context& from, Context& to) { graphc_switch(&from.stack_pointer, to.stack_pointer); }

#else

static void prepare(Context& context, char* stack) {
  getcontext(&context.machine);
  context.machine.uc_stack.ss_sp = stack;
  context.machine.uc_stack.ss_size = kStackBytes;
  context.machine.uc_link = nullptr;
  makecontext(&context.machine, fiber_main, 0);
}
static void switch_to(Context& from, Context& to) { swapcontext(&from.machine, &to.machine); }

#endif

void yield() { switch_to(current->context, scheduler); }

void abort_block() {
  block.aborted = true;
  current->state = State::finished;
  yield();
  abort();
}

// xorshift64: the same schedule for the same seed on every machine.
uint64_t random_number() {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

// ---- findings ----

void report(Place place, const char* format, ...) {
  char message[512], where[40];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  if (place.code)
    snprintf(where, sizeof where, "0x%llx", (unsigned long long)((const char*)place.code - launch->image->begin - 1));
  else
    snprintf(where, sizeof where, "%d", place.line);
  if (!seen.insert(std::string(where) + format).second || seen.size() > kMostFindings) return;
  findings += std::string(where) + "\t" + message + "\n";
}

bool too_many_findings() { return seen.size() >= kMostFindings; }

// ---- warp operations ----

static unsigned source_lane(const Thread& thread) {
  const WarpRequest& request = thread.request;
  const int lane = thread.lane(), width = request.width, segment = lane & ~(width - 1);
  switch (request.operation) {
    case WarpOperation::shuffle: return segment + (request.argument & (width - 1));
    case WarpOperation::shuffle_down: return lane + request.argument < segment + width ? lane + request.argument : lane;
    case WarpOperation::shuffle_up: return lane - request.argument >= segment ? lane - request.argument : lane;
    case WarpOperation::shuffle_xor: return (lane ^ request.argument) & (kWarpSize - 1);
    default: return lane;
  }
}

static void carry_out_collective(Thread* lanes) {
  void* values[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) values[lane] = reinterpret_cast<void*>(lanes[lane].request.value);
  lanes[0].request.collective(values);
}

static void carry_out(Thread* lanes, unsigned mask) {
  const auto takes_part = [mask](unsigned lane) { return mask >> lane & 1; };
  if (lanes[__builtin_ctz(mask)].request.operation == WarpOperation::collective) carry_out_collective(lanes);
  uint64_t ballot = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    if (takes_part(lane)) ballot |= (lanes[lane].request.value & 1) << lane;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    if (!takes_part(lane)) continue;
    Thread& thread = lanes[lane];
    const unsigned source = source_lane(thread);
    if (!takes_part(source))
      report({thread.line, nullptr}, "shuffle reads a lane outside its mask: lane %u of thread %u, block %llu", source,
             thread.number, (unsigned long long)block.number);
    const bool is_ballot = thread.request.operation == WarpOperation::ballot;
    thread.result = is_ballot ? ballot : takes_part(source) ? lanes[source].request.value : thread.request.value;
    thread.state = State::ready;
    if (mask == 0xffffffffu) thread.warp_epoch++;
  }
}

static bool all_lanes_arrived(unsigned warp, const WarpRequest& request) {
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    if (!(request.mask >> lane & 1)) continue;
    const size_t number = warp * kWarpSize + lane;
    if (number >= threads.size()) return false;
    const Thread& thread = threads[number];
    if (thread.state != State::at_warp_operation || thread.request.mask != request.mask ||
        thread.request.operation != request.operation)
      return false;
  }
  return true;
}

static void meet_warp(const WarpRequest& request, int line) {
  Thread& self = *current;
  if (!(request.mask >> self.lane() & 1)) {
    report({line, nullptr}, "warp operation whose mask leaves out the calling lane: thread %u, block %llu", self.number,
           (unsigned long long)block.number);
    abort_block();
  }
  self.request = request;
  self.line = line;
  self.state = State::at_warp_operation;
  if (all_lanes_arrived(self.warp(), request)) {
    carry_out(&threads[self.warp() * kWarpSize], request.mask);
    if (launch->schedule == Schedule::forward) return;
  }
  yield();
}

// ---- the scheduler ----

static void begin_block(uint64_t number) {
  const dim3& grid = launch->grid;
  const dim3& size = launch->block;
  graphc_builtin.block = {unsigned(number % grid.x), unsigned(number / grid.x % grid.y),
                          unsigned(number / grid.x / grid.y)};
  const uint32_t epoch = block.epoch + 1;
  block = {number, epoch, epoch, launch->steps_per_block, 0, false};
  inside_atomic = false;
  // All bits set is NaN in every float type: a read of memory that nobody wrote shows in the result.
  const ModuleImage& image = *launch->image;
  if (image.shared_begin) memset(image.shared_begin, 0xff, image.shared_end - image.shared_begin);
  if (dynamic_shared) memset(dynamic_shared, 0xff, launch->shared_bytes);
  for (unsigned i = 0; i < threads.size(); ++i) {
    Thread& thread = threads[i];
    thread.state = State::ready;
    thread.number = i;
    thread.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    thread.warp_epoch = 0;
    thread.open_copies.clear();
    thread.copy_groups.clear();
    prepare(thread.context, stacks + i * kStackBytes);
  }
}

// Resumes each ready thread once; false when none was ready.
static bool run_ready_threads(std::vector<unsigned>& order) {
  bool any_ran = false;
  if (launch->schedule == Schedule::random)
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_number() % i]);
  for (unsigned number : order) {
    Thread& thread = threads[number];
    if (thread.state != State::ready || block.aborted) continue;
    any_ran = true;
    current = &thread;
    graphc_builtin.thread = thread.index;
    switch_to(scheduler, thread.context);
    current = nullptr;
  }
  return any_ran;
}

// Opens the barrier where every thread waits; false when the block is stuck, with a finding that says where.
static bool open_barrier() {
  size_t waiting = 0;
  const Thread *at_barrier = nullptr, *at_warp = nullptr;
  int predicates = 0;
  for (const Thread& thread : threads) {
    if (thread.state == State::at_warp_operation) at_warp = &thread;
    if (thread.state != State::at_barrier) continue;
    waiting++;
    predicates += thread.predicate;
    if (at_barrier && at_barrier->line != thread.line)
      report({thread.line, nullptr}, "divergent barrier: thread %u waits here, thread %u at line %d, block %llu",
             thread.number, at_barrier->number, at_barrier->line, (unsigned long long)block.number);
    at_barrier = &thread;
  }
  if (waiting < threads.size()) {
    const Thread& stuck = at_warp ? *at_warp : *at_barrier;
    report({stuck.line, nullptr}, "deadlock: thread %u waits at a %s, only %zu of %zu threads reach the barrier, block %llu",
           stuck.number, at_warp ? "warp operation that not all lanes of its mask reach" : "divergent barrier", waiting,
           threads.size(), (unsigned long long)block.number);
    return false;
  }
  for (Thread& thread : threads) thread.state = State::ready;
  block.epoch++;
  block.barrier_result = predicates;
  return true;
}

static void run_block(uint64_t number, std::vector<unsigned>& order) {
  begin_block(number);
  for (;;) {
    if (run_ready_threads(order) && !block.aborted) continue;
    const auto finished = [](const Thread& thread) { return thread.state == State::finished; };
    if (block.aborted || std::all_of(threads.begin(), threads.end(), finished) || !open_barrier()) return;
  }
}

static void run_grid() {
  std::vector<unsigned> order(threads.size());
  const bool reverse = launch->schedule == Schedule::reverse;
  for (size_t i = 0; i < order.size(); ++i) order[i] = reverse ? order.size() - 1 - i : i;
  const uint64_t blocks = (uint64_t)launch->grid.x * launch->grid.y * launch->grid.z;
  for (uint64_t i = 0; i < blocks && !too_many_findings(); ++i) run_block(reverse ? blocks - 1 - i : i, order);
}

// ---- a crash or a standstill of the kernel becomes a finding ----

static sigjmp_buf after_crash;
static const void* crash_code;
static const int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM};
constexpr int kSignalCount = 5, kTickMilliseconds = 250, kTicksOfStandstill = 4;
static struct sigaction previous_actions[kSignalCount];

static const void* code_at(const void* signal_context) {
  const mcontext_t& machine = static_cast<const ucontext_t*>(signal_context)->uc_mcontext;
#if defined(__x86_64__)
  const char* code = reinterpret_cast<const char*>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  const char* code = reinterpret_cast<const char*>(machine.pc);
#else
  const char* code = nullptr;
#endif
  const bool in_kernel = code >= launch->image->begin && code < launch->image->end;
  return in_kernel ? code + 1 : nullptr;  // report() expects return addresses
}

// A tick finds whether the kernel took a step since the last one. The compiler puts no step into a loop whose body
// is empty, so that such a loop is found by its standstill.
static bool stands_still() {
  static uint64_t steps_before, block_before;
  static int ticks;
  ticks = steps_before == block.steps_left && block_before == block.number ? ticks + 1 : 0;
  steps_before = block.steps_left;
  block_before = block.number;
  return ticks >= kTicksOfStandstill;
}

static void on_signal(int signal_number, siginfo_t*, void* signal_context) {
  const bool tick = signal_number == SIGVTALRM;
  if (tick && !(current && stands_still())) return;
  if (!current) {  // not the kernel's doing: leave it to whoever was there before
    for (int i = 0; i < kSignalCount; ++i) sigaction(kSignals[i], &previous_actions[i], nullptr);
    raise(signal_number);
    return;
  }
  crash_code = code_at(signal_context);
  siglongjmp(after_crash, signal_number);
}

// Ticks count the processor time of this thread alone: a busy machine makes no standstill.
static timer_t start_ticks() {
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGVTALRM;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer = {};
  timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer);
  const timespec period = {0, kTickMilliseconds * 1000000};
  const itimerspec ticks = {period, period};
  timer_settime(timer, 0, &ticks, nullptr);
  return timer;
}

static void run_guarded() {
  static char signal_stack[64 * 1024];
  stack_t ours = {}, previous = {};
  ours.ss_sp = signal_stack;
  ours.ss_size = sizeof signal_stack;
  sigaltstack(&ours, &previous);
  struct sigaction action = {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO | SA_RESTART;
  for (int i = 0; i < kSignalCount; ++i) sigaction(kSignals[i], &action, &previous_actions[i]);
  const timer_t timer = start_ticks();
  if (const int signal_number = sigsetjmp(after_crash, 1)) {
    report({0, crash_code}, "%s%s: thread %u of block %llu", signal_number == SIGVTALRM ? "endless loop" : "the kernel crashes, ",
           signal_number == SIGVTALRM ? "" : strsignal(signal_number), current->number, (unsigned long long)block.number);
    current = nullptr;
  } else {
    run_grid();
  }
  timer_delete(timer);
  for (int i = 0; i < kSignalCount; ++i) sigaction(kSignals[i], &previous_actions[i], nullptr);
  sigaltstack(&previous, nullptr);
}

static void reserve_stacks(size_t count) {
  static size_t reserved = 0;
  if (count <= reserved) return;
  if (stacks) munmap(stacks, reserved * kStackBytes);
  void* memory = mmap(nullptr, count * kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  stacks = memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  reserved = stacks ? count : 0;
}

}  // namespace emulator

// ---- what the kernel and the host call ----

using namespace emulator;

extern "C" {

int graphc_barrier(int predicate, int line) {
  current->state = State::at_barrier;
  current->line = line;
  current->predicate = predicate;
  yield();
  return block.barrier_result;
}

uint64_t graphc_warp(WarpOperation operation, unsigned mask, uint64_t value, int argument, int width, int line) {
  meet_warp({operation, mask, value, argument, width, nullptr}, line);
  return current->result;
}

void graphc_warp_collective(void (*function)(void** lanes), void* lane, int line) {
  const uint64_t value = reinterpret_cast<uint64_t>(lane);
  meet_warp({WarpOperation::collective, 0xffffffffu, value, 0, (int)kWarpSize, function}, line);
}

void* graphc_dynamic_shared() { return dynamic_shared; }
void graphc_atomic_begin() { inside_atomic = true; }
void graphc_atomic_end() { inside_atomic = false; }

// An asynchronous copy lands when it is waited for, as late as the GPU may deliver it.
// Until then the destination holds nothing: it is claimed by a write, and may not be read.
void graphc_copy_begin(void* destination, const void* source, int bytes, int valid_bytes) {
  const void* code = __builtin_return_address(0);
  if (((uintptr_t)destination | (uintptr_t)source) % bytes) {
    report({0, code}, "misaligned asynchronous copy of %d bytes: thread %u of block %llu", bytes, current->number,
           (unsigned long long)block.number);
    abort_block();
  }
  checker::access(destination, bytes, true, code);
  if (valid_bytes) checker::access(source, valid_bytes, false, code);
  checker::forget(destination, bytes);
  current->open_copies.push_back({(char*)destination, (const char*)source, bytes, valid_bytes});
}

void graphc_copy_commit() {
  current->copy_groups.push_back(std::move(current->open_copies));
  current->open_copies.clear();
}

void graphc_copy_wait(int groups_in_flight) {
  const void* code = __builtin_return_address(0);
  auto& groups = current->copy_groups;
  while (groups.size() > (size_t)groups_in_flight) {
    for (const AsyncCopy& copy : groups.front()) {
      checker::access(copy.destination, copy.bytes, true, code);
      if (copy.valid_bytes) checker::access(copy.source, copy.valid_bytes, false, code);
      memcpy(copy.destination, copy.source, copy.valid_bytes);
      memset(copy.destination + copy.valid_bytes, 0, copy.bytes - copy.valid_bytes);
    }
    groups.erase(groups.begin());
  }
}

void graphc_trap(int line) {
  report({line, nullptr}, "trap in thread %u, block %llu", current->number, (unsigned long long)block.number);
  abort_block();
}

// Called at the start of every basic block of the kernel: also a loop that touches no memory comes to an end.
void __sanitizer_cov_trace_pc() {
  if (!current || block.steps_left-- > 0) return;
  report({0, __builtin_return_address(0)},
         "endless loop: block %llu took more than %llu steps, and thread %u still runs (raise step_budget if it is right)",
         (unsigned long long)block.number, (unsigned long long)launch->steps_per_block, current->number);
  abort_block();
}

const char* graphc_run(const Launch* description) {
  launch = description;
  findings.clear();
  seen.clear();
  block = {};
  random_state = description->seed * 2654435761u + 88172645463325252ull;
  graphc_builtin.block_size = description->block;
  graphc_builtin.grid_size = description->grid;
  const size_t thread_count = (size_t)description->block.x * description->block.y * description->block.z;
  threads.resize(thread_count);
  reserve_stacks(thread_count);
  if (!stacks) return "0\tno memory for the stacks of the threads\n";
  constexpr size_t alignment = 1024;
  const size_t shared_bytes = (description->shared_bytes + alignment - 1) / alignment * alignment;
  dynamic_shared = shared_bytes ? static_cast<char*>(aligned_alloc(alignment, shared_bytes)) : nullptr;
  if (description->checked) checker::begin_launch(dynamic_shared);
  run_guarded();
  if (description->checked) checker::end_launch();
  free(dynamic_shared);
  return findings.c_str();
}
}
