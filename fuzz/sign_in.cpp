// Any body posted to the sign-in page of a real node: a session only with the right password, and no trace of
// the body in the journal.
#include <algorithm>

#include "base/check.h"
#include "fuzz/node_world.h"
#include "fuzz/support.h"
#include "web/http.h"
#include "web/limits.h"
#include "web/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace firedrill;
    using fuzz::NodeWorld;
    constexpr int kInputsOfAWorld = 512;  // bounds the log of its simulated disks
    static std::unique_ptr<NodeWorld> world;
    static int inputs = 0;
    if (inputs++ % kInputsOfAWorld == 0) {
        world = std::make_unique<NodeWorld>();
    }
    const std::string_view body = as_text({data, std::min(size, web::kBodyLimit)});
    const auto fields = web::parse_form(body);
    const auto one = [&](const char* name) {
        return fields.is_ok() && fields->count(name) == 1 ? fields->find(name)->second : std::string();
    };
    // The owner has no second factor: a code may stand there, and is not looked at.
    const std::size_t expected = fields.is_ok() && fields->contains("code") ? 4 : 3;
    const bool is_right = one("password") == NodeWorld::kPassword && fields->size() == expected &&
                          web::lower_case(one("login")) == NodeWorld::kLogin &&
                          web::lower_case(one("practice")) == NodeWorld::kPractice;

    web::Response answer = world->post("/sign-in", body);
    if (is_right && answer.status == 503) {  // slowed by the wrong ones before it: never for good
        world->pass(std::chrono::minutes(10));
        answer = world->post("/sign-in", body);
    }

    const auto cookie =
        std::ranges::find(answer.fields, "Set-Cookie", [](const auto& field) { return field.first; });
    CHECK((answer.status == 303) == is_right);
    CHECK((cookie != answer.fields.end()) == is_right);
    CHECK(is_right || answer.status == 400 || answer.status == 401 || answer.status == 503);
    for (const std::string_view alert :
         {"sign-in: 10.0.0.9 was refused for 10 different accounts within an hour\n",
          "sign-in: 100 different accounts were refused within an hour; passwords are being tried on "
          "many\n"}) {
        const std::size_t at = world->journal.find(alert);
        world->journal.erase(std::min(at, world->journal.size()), at == std::string::npos ? 0 : alert.size());
    }
    CHECK(world->journal.empty());
    CHECK(fuzz::is_inert(answer.body));
    if (is_right) {
        world->sign_out(cookie->second);
        world->journal.clear();
    }
    return 0;
}
