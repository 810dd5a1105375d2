/* Rewind: kernels for recurrent layers whose state can be stepped back. The C interface.
 *
 * Everything starts with a context. A device is opened by name or wrapped around what an engine already owns, buffers
 * live on a device, and a plan is a list of op calls that is validated, selected and recorded once and then replayed.
 *
 *   rw_context* context;  rw_device* device;  rw_plan* plan;
 *   rw_context_create(&context);
 *   rw_device_open(context, "vulkan:0", &device);
 *   rw_plan_create(device, &plan);
 *   rw_plan_add(plan, &call, &step);
 *   rw_plan_submit(plan);  rw_plan_wait(plan);
 *
 * Status. Every function that can fail returns an rw_status; rw_message() has the sentence that says what to change. A
 * failed call changes nothing. Nothing aborts and no exception leaves the library.
 *
 * Ownership. What *_create, *_open and *_wrap return is the caller's, to be given back with the matching *_destroy or
 * *_close, in any order: a device stays alive inside while buffers and plans of it do. Wrapped handles are never
 * destroyed. Destroying NULL does nothing. Memory behind a wrapped buffer has to outlive the buffer and its plans.
 *
 * Threads. A context and a device may be used from several threads; a plan by one thread at a time. rw_message() is
 * per thread.
 *
 * Structs that are passed in start with their size, so that a newer library can tell an older caller. Zero the rest.
 * The ops: `rewind ops list`; arguments and attributes: `rewind ops list OP`, shapes: rewind/ops/<op>.h.
 *
 * Stability: 0.x; names and struct layouts may still change between minor versions.
 */
#ifndef REWIND_H
#define REWIND_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define RW_API
#else
#define RW_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rw_status {
    RW_OK = 0,
    RW_INVALID_ARGUMENT = 1, /* shapes, strides, types, values: the message names the argument */
    RW_UNSUPPORTED = 2,      /* correct, but no implementation on this device takes it */
    RW_OUT_OF_MEMORY = 3,    /* everything that existed before is still usable */
    RW_RANGE = 4,            /* a bad slot, sequence, length or position was found in a device buffer */
    RW_DEVICE_LOST = 5,      /* sticky: close the device and open it again */
    RW_NOT_FOUND = 6,        /* no such device, op or implementation */
    RW_IO = 7,
    RW_INTERNAL = 8
} rw_status;

/* From Q8_0 on: quantised, in blocks along dimension 0, exactly as in GGUF files. */
typedef enum rw_type {
    RW_TYPE_F32 = 0,
    RW_TYPE_F16 = 1,
    RW_TYPE_BF16 = 2,
    RW_TYPE_I32 = 3,
    RW_TYPE_Q8_0 = 4,
    RW_TYPE_Q4_0 = 5,
    RW_TYPE_Q4_1 = 6,
    RW_TYPE_Q5_0 = 7,
    RW_TYPE_Q5_1 = 8,
    RW_TYPE_Q4_K = 9,
    RW_TYPE_Q5_K = 10,
    RW_TYPE_Q6_K = 11,
    RW_TYPE_IQ4_NL = 12,
    RW_TYPE_IQ4_XS = 13
} rw_type;

typedef struct rw_context rw_context;
typedef struct rw_device rw_device;
typedef struct rw_buffer rw_buffer;
typedef struct rw_plan rw_plan;

/* "0.1.0+<hash of the kernels>". */
RW_API const char* rw_version(void);
RW_API const char* rw_status_name(rw_status status);
/* Elements and bytes of one block of a type (1 element where it is not quantised); 0 for what is no type. */
RW_API uint32_t rw_type_block(rw_type type);
RW_API uint32_t rw_type_bytes(rw_type type);
/* The message of the last call on this thread that failed; "" before the first. Valid until the next failure. */
RW_API const char* rw_message(void);

RW_API rw_status rw_context_create(rw_context** context);
RW_API void rw_context_destroy(rw_context* context);
/* Diagnostics. topics: some of "compile,dispatch,plan,selftest", or "all" or "". sink receives each line without a
 * newline; NULL: stderr. It may be called from any thread that uses the library, and must not call back into it. One for
 * the whole process: the last caller's topics and sink hold, whatever context it names. */
typedef void (*rw_log_sink)(void* user, const char* line);
RW_API rw_status rw_context_log(rw_context* context, const char* topics, rw_log_sink sink, void* user);

/* ---- devices ---------------------------------------------------------------------------------------------------- */

typedef struct rw_device_info {
    uint32_t size;
    uint32_t is_software; /* 1: a driver that runs on the CPU */
    char id[32];          /* what rw_device_open takes: "cpu:0", "vulkan:0" */
    char name[128];
    char driver[128];
    uint64_t memory;         /* bytes */
    uint64_t max_allocation; /* bytes of one buffer */
} rw_device_info;

/* Writes up to *count descriptions (set the size of the first) and sets *count to how many there are. infos may be
 * NULL. */
RW_API rw_status rw_devices(rw_context* context, rw_device_info* infos, size_t* count);

/* id: "cpu", "vulkan" (the first one), "opencl:1". */
RW_API rw_status rw_device_open(rw_context* context, const char* id, rw_device** device);
RW_API void rw_device_close(rw_device* device);
RW_API rw_status rw_device_get_info(rw_device* device, rw_device_info* info);

/* What an engine should enable on the VkDevice that it is about to create, so that every kernel the device can run may
 * be used: names for ppEnabledExtensionNames, and a VkPhysicalDeviceFeatures2 with its pNext chain. All optional. */
typedef struct rw_vulkan_wishes {
    const char* const* extensions;
    uint32_t n_extensions;
    const void* features;
} rw_vulkan_wishes;
RW_API rw_status rw_vulkan_wishes_create(rw_context* context, void* physical_device, rw_vulkan_wishes** wishes);
RW_API void rw_vulkan_wishes_destroy(rw_vulkan_wishes* wishes);

/* An engine's Vulkan device, of Vulkan 1.1 or later. lock and unlock, when given, are called around every use of the
 * queue. Features that are not named here are not used; their kernels are declined. The handles have to outlive the
 * device and everything made of it. */
typedef struct rw_vulkan_handles {
    uint32_t size;
    uint32_t queue_family;
    void* instance;        /* VkInstance */
    void* physical_device; /* VkPhysicalDevice */
    void* device;          /* VkDevice */
    void* queue;           /* VkQueue of that family, with compute */
    uint32_t api_version;  /* the instance's, VK_MAKE_API_VERSION */
    const char* const* extensions; /* device extensions that are enabled */
    uint32_t n_extensions;
    const void* features;    /* what VkDeviceCreateInfo::pNext was: the features that are enabled. NULL: none */
    uint64_t pipeline_cache; /* VkPipelineCache that ours go into; keeping it on disk is the engine's. 0: our own file */
    void (*lock)(void* user);
    void (*unlock)(void* user);
    void* user;
} rw_vulkan_handles;
RW_API rw_status rw_device_wrap_vulkan(rw_context* context, const rw_vulkan_handles* handles, rw_device** device);

/* An engine's OpenCL device and a queue of it, in order or not. Handles are retained and released, never destroyed. */
typedef struct rw_opencl_handles {
    uint32_t size;
    void* context; /* cl_context */
    void* device;  /* cl_device_id */
    void* queue;   /* cl_command_queue */
} rw_opencl_handles;
RW_API rw_status rw_device_wrap_opencl(rw_context* context, const rw_opencl_handles* handles, rw_device** device);

/* ---- buffers ---------------------------------------------------------------------------------------------------- */

RW_API rw_status rw_buffer_create(rw_device* device, uint64_t bytes, rw_buffer** buffer);
/* Host memory used in place: CPU devices always, others where they can (else RW_UNSUPPORTED). memory is a multiple of 4
 * bytes, on OpenCL devices of 16; what is left over goes into the tensor's offset. */
RW_API rw_status rw_buffer_wrap_host(rw_device* device, void* memory, uint64_t bytes, rw_buffer** buffer);
/* An engine's VkBuffer (as uint64_t) or cl_mem (pointer as uint64_t), from `offset` on, a multiple of 16. A VkBuffer
 * needs the usages STORAGE_BUFFER, TRANSFER_SRC and TRANSFER_DST, SHADER_DEVICE_ADDRESS where bufferDeviceAddress is
 * enabled, and an offset that is a multiple of minStorageBufferOffsetAlignment. */
RW_API rw_status rw_buffer_wrap_native(rw_device* device, uint64_t handle, uint64_t offset, uint64_t bytes,
                                       rw_buffer** buffer);
RW_API void rw_buffer_destroy(rw_buffer* buffer);
/* Synchronous, and ordered after every plan submitted before. */
RW_API rw_status rw_buffer_write(rw_buffer* buffer, uint64_t offset, const void* source, uint64_t bytes);
RW_API rw_status rw_buffer_read(rw_buffer* buffer, uint64_t offset, void* target, uint64_t bytes);

/* ---- plans ------------------------------------------------------------------------------------------------------ */

/* A strided view. ne: elements, fastest first, 1 where unused. nb: bytes between neighbours (of dimension 0: between
 * blocks, of a quantised type); all zero means packed. */
typedef struct rw_tensor {
    uint32_t size;
    rw_type type;
    int64_t ne[4];
    int64_t nb[4];
    rw_buffer* buffer;
    uint64_t offset; /* bytes */
} rw_tensor;

typedef struct rw_arg {
    const char* name; /* as in ops.def: "q", "state_out" */
    rw_tensor tensor;
} rw_arg;

typedef struct rw_attr {
    const char* name;  /* "order" */
    const char* value; /* "recent_first", "1e-6" */
} rw_attr;

typedef struct rw_call {
    uint32_t size;
    const char* op; /* "GATED_DELTA_NET" */
    const rw_arg* args;
    size_t n_args;
    const rw_attr* attrs;
    size_t n_attrs;
    const char* implementation; /* force one by name, e.g. "cpu:plain"; NULL: the best that takes the call */
} rw_call;

RW_API rw_status rw_plan_create(rw_device* device, rw_plan** plan);
RW_API void rw_plan_destroy(rw_plan* plan);
/* Validates, selects and appends. *step (may be NULL) is the index for the functions below. A kernel that is about to be
 * used for the first time on a GPU (or any OpenCL device) is compiled and has to agree with the CPU on a few small calls
 * first: that takes seconds once a device, driver and library version, and is remembered in $XDG_CACHE_HOME/rewind or
 * ~/.cache/rewind. REWIND_SELFTEST=0 in the environment trusts every kernel, force tests again. */
RW_API rw_status rw_plan_add(rw_plan* plan, const rw_call* call, size_t* step);
/* Replaces some of a step's tensors and attributes, e.g. fewer tokens or other slots; the rest stays. An argument whose
 * buffer is NULL is taken away. implementation: NULL keeps what the step was added with, "" leaves the choice to the
 * library. Nothing is compiled or recorded again while buffers and implementation stay the same. Not while a submit is
 * under way. */
RW_API rw_status rw_plan_update(rw_plan* plan, size_t step, const rw_call* changes);
/* Starts the steps, in order. On the CPU they are done when it returns. */
RW_API rw_status rw_plan_submit(rw_plan* plan);
RW_API rw_status rw_plan_wait(rw_plan* plan);
/* Name of the implementation that a step runs; NULL for a step that does not exist. Valid while the plan lives. */
RW_API const char* rw_plan_implementation(const rw_plan* plan, size_t step);
/* Device time of the last submit that was waited for, in seconds. */
RW_API double rw_plan_seconds(const rw_plan* plan);

/* ---- what there is ---------------------------------------------------------------------------------------------- */

RW_API size_t rw_op_count(void);
RW_API const char* rw_op_name(size_t op); /* NULL past the end */
/* Why a call would run where: one line an implementation, into text (capacity bytes, always terminated). *needed (may
 * be NULL) is set to the length without the end. */
RW_API rw_status rw_explain(rw_device* device, const rw_call* call, char* text, size_t capacity, size_t* needed);

#ifdef __cplusplus
}
#endif
#endif
