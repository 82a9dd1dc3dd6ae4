// What functions made by Halide without its runtime ask of the program that they are linked into: memory, a parallel
// loop, and somebody to hear of errors. `context` is the KernelCall that the function was given.
#include "base/Text.h"
#include "features/KernelCall.h"

#include <cstdlib>

using namespace gemmac::runtime;

static KernelCall &callOf(void *context) { return *static_cast<KernelCall *>(context); }

/// A check in a function failed: its tables or buffers are not what it was made for, which is never the user's fault.
template <typename... Arguments> static int refuse(void *context, const char *pattern, Arguments... arguments) {
  callOf(context).fail(ExitCode::internal, format(pattern, arguments...) + "; this is a defect of gemmac");
  return halide_error_code_generic_error;
}

extern "C" {

/// On lines of 64 bytes: vectors of the widest level are loaded whole. One line is spare, for loads that reach beyond.
void *halide_malloc(void *, size_t bytes) {
  if (bytes > SIZE_MAX - 128)
    return nullptr;
  return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

void halide_free(void *, void *memory) { free(memory); }

int halide_do_par_for(void *context, halide_task_t task, int first, int count, uint8_t *closure) {
  return callOf(context).run(task, first, count, closure);
}

int halide_error_out_of_memory(void *context) {
  callOf(context).fail(ExitCode::inputOutput, "out of memory");
  return halide_error_code_out_of_memory;
}

int halide_error_access_out_of_bounds(void *context, const char *buffer, int dimension, int from, int to, int least,
                                      int most) {
  return refuse(context, "%s: dimension %d is read from %d to %d, but goes from %d to %d", buffer, dimension, from, to,
                least, most);
}

int halide_error_bad_dimensions(void *context, const char *buffer, int32_t got, int32_t expected) {
  return refuse(context, "%s has %d dimensions, expected %d", buffer, got, expected);
}

int halide_error_bad_type(void *context, const char *buffer, uint32_t got, uint32_t expected) {
  return refuse(context, "%s has the type %#x, expected %#x", buffer, got, expected);
}

int halide_error_buffer_allocation_too_large(void *context, const char *buffer, uint64_t got, uint64_t most) {
  return refuse(context, "%s would take %llu bytes, at most %llu are taken", buffer,
                static_cast<unsigned long long>(got), static_cast<unsigned long long>(most));
}

int halide_error_buffer_argument_is_null(void *context, const char *buffer) {
  return refuse(context, "%s is missing", buffer);
}

int halide_error_buffer_extents_negative(void *context, const char *buffer, int dimension, int extent) {
  return refuse(context, "%s: dimension %d has the size %d", buffer, dimension, extent);
}

int halide_error_buffer_extents_too_large(void *context, const char *buffer, int64_t got, int64_t most) {
  return refuse(context, "%s has %lld elements, at most %lld are taken", buffer, static_cast<long long>(got),
                static_cast<long long>(most));
}

int halide_error_constraint_violated(void *context, const char *value, int got, const char *other, int expected) {
  return refuse(context, "%s is %d, expected %s, which is %d", value, got, other, expected);
}

int halide_error_constraints_make_required_region_smaller(void *context, const char *buffer, int dimension, int min,
                                                          int extent, int needed, int neededExtent) {
  return refuse(context, "%s: dimension %d has %d from %d on, needed are %d from %d on", buffer, dimension, extent, min,
                neededExtent, needed);
}

int halide_error_device_dirty_with_no_device_support(void *context, const char *buffer) {
  return refuse(context, "%s lies on a device", buffer);
}

int halide_error_host_is_null(void *context, const char *buffer) { return refuse(context, "%s has no memory", buffer); }

} // extern "C"
