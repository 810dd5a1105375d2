#include "reference/reference.h"

#include "reference_list.h"  // generated: declares reference::<stem>(Run&) and lists them in the order of ops.def

namespace rw::reference {

void run(Run& r) {
    const ops::Op& op = ops::all()[size_t(r.call.op)];
    r.written.resize(op.args.size());
    for (size_t i = 0; i < op.args.size(); ++i)
        if (op.args[i].written()) r.written[i].assign(r.value[i].size(), 0);
    functions[r.call.op](r);
}

}  // namespace rw::reference
