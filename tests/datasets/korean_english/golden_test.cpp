#include <algorithm>
#include <gtest/gtest.h>
#include <sstream>

#include "qkv/datasets/korean_english/realise.h"
#include "qkv/datasets/korean_english/rules.h"
#include "tests/datasets/korean_english/trees.h"

namespace qkv::grammar {
namespace {

constexpr Tense past = Tense::past, present = Tense::present, future = Tense::future;
constexpr Gap subject_gap = Gap::subject, object_gap = Gap::object;
using Role = PlaceRole;

/// A sentence of the grammar and what it must be, written by hand.
struct Golden {
  Sentence tree;
  const char *source, *target, *links;
};

std::vector<Link> read_links(const std::string& text) {
  std::istringstream stream(text);
  std::vector<Link> links;
  Link link;
  for (char kind = 0; stream >> link.source >> kind >> link.target; links.push_back(link)) link.sure = kind == '-';
  std::ranges::sort(links);
  return links;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string join(std::vector<Link> links) {
  std::ranges::sort(links);
  std::string text;
  for (const Link& link : links)
    text += std::to_string(link.source) + (link.sure ? "-" : "?") + std::to_string(link.target) + " ";
  return text;
}

void check(const std::vector<Golden>& sentences) {
  for (const Golden& golden : sentences) {
    EXPECT_EQ(broken_rule(golden.tree), "") << golden.source;
    const Pair pair = realise(golden.tree);
    EXPECT_EQ(join(pair.source), golden.source);
    EXPECT_EQ(join(pair.target), golden.target);
    EXPECT_EQ(join(pair.links), join(read_links(golden.links))) << golden.source << "\n" << golden.target;
    EXPECT_EQ(source_words(golden.tree), static_cast<int>(pair.source.size())) << golden.source;
  }
}

TEST(KoreanEnglishGolden, TensesAndQuestions) {
  check({
      {say(present, {C(verb("sleep")).topic(N("민수"))}), "민수는 잡니다 .", "Minsu sleeps .", "0-0 1-1 2-2"},
      {say(past, {C(verb("read")).topic(N("민수")).object(N("책"))}), "민수는 책을 읽었습니다 .", "Minsu read a book .",
       "0-0 1?2 1-3 2-1 3-4"},
      {say(future, {C(verb("buy")).topic(N("유나")).object(N("사과"))}), "유나는 사과를 살 것입니다 .",
       "Yuna will buy an apple .", "0-0 1?3 1-4 2-2 3?1 4-5"},
      {ask(present, {C(verb("drink")).topic(N("학생")).object(N("커피"))}), "학생은 커피를 마십니까 ?",
       "does the student drink coffee ?", "0?1 0-2 1-4 2?0 2-3 3-5"},
      {ask(past, {C(verb("hear")).subject(N("지호")).object(N("음악"))}), "지호가 음악을 들었습니까 ?",
       "did Jiho hear music ?", "0-1 1-3 2?0 2-2 3-4"},
      {ask(future, {C(verb("make")).topic(N("우리")).object(N("의자"))}), "우리는 의자를 만들 것입니까 ?",
       "will we make a chair ?", "0-1 1?3 1-4 2-2 3?0 4-5"},
      {say(present, {C(verb("help")).subject(N("저")).object(N("친구"))}), "제가 친구를 돕습니다 .",
       "I help a friend .", "0-0 1?2 1-3 2-1 3-4"},
      {say(past, {C(verb("choose")).topic(N("여자")).object(N("모자"))}), "여자는 모자를 골랐습니다 .",
       "the woman chose a hat .", "0?0 0-1 1?3 1-4 2-2 3-5"},
  });
}

TEST(KoreanEnglishGolden, Adjectives) {
  check({
      {say(present, {C(adjective("cold")).topic(N("방"))}), "방은 춥습니다 .", "the room is cold .",
       "0?0 0-1 1?2 1-3 2-4"},
      {say(past, {C(adjective("pretty")).topic(N("꽃"))}), "꽃은 예뻤습니다 .", "the flower was pretty .",
       "0?0 0-1 1?2 1-3 2-4"},
      {say(future, {C(adjective("busy")).topic(N("의사"))}), "의사는 바쁠 것입니다 .", "the doctor will be busy .",
       "0?0 0-1 1?3 1-4 2?2 2?3 3-5"},
      {ask(present, {C(adjective("fast")).topic(N("자동차"))}), "자동차는 빠릅니까 ?", "is the car fast ?",
       "0?1 0-2 1?0 1-3 2-4"},
      {say(present, {C(adjective("busy")).topic(N("저"))}), "저는 바쁩니다 .", "I am busy .", "0-0 1?1 1-2 2-3"},
      {say(present, {C(verb("meet")).topic(N("우리")).object(N("가수").adj("famous"))}),
       "우리는 유명한 가수를 만납니다 .", "we meet a famous singer .", "0-0 1-3 2?2 2-4 3-1 4-5"},
      {say(past, {C(verb("see")).topic(N("아이")).object(N("고양이").adj("small").adj("white"))}),
       "아이는 작은 하얀 고양이를 봤습니다 .", "the child saw a small white cat .", "0?0 0-1 1-4 2-5 3?3 3-6 4-2 5-7"},
      {say(present, {C(adjective("interesting")).topic(N("책"))}), "책은 재미있습니다 .", "the book is interesting .",
       "0?0 0-1 1?2 1-3 2-4"},
      {say(past, {C(verb("read")).subject(N("학생")).object(N("소설").adj("interesting"))}),
       "학생이 재미있는 소설을 읽었습니다 .", "a student read an interesting novel .", "0?0 0-1 1-4 2?3 2-5 3-2 4-6"},
      {say(present, {C(predicate(lexicon().weather, "hot"))}), "덥습니다 .", "it is hot .", "0?1 0-2 1-3"},
      {ask(past, {C(predicate(lexicon().weather, "cold")).time("어제")}), "어제 추웠습니까 ?",
       "was it cold yesterday ?", "0-3 1?0 1-2 2-4"},
  });
}

TEST(KoreanEnglishGolden, Negation) {
  check({
      {say(present, {C(verb("eat")).topic(N("유나")).object(N("고기")).no()}), "유나는 고기를 안 먹습니다 .",
       "Yuna does not eat meat .", "0-0 1-4 2-2 3?1 3-3 4-5"},
      {say(past, {C(verb("study")).topic(N("민수")).object(N("수학")).no()}), "민수는 수학을 공부하지 않았습니다 .",
       "Minsu did not study math .", "0-0 1-4 2-3 3?1 3-2 4-5"},
      {say(future, {C(verb("work")).topic(N("농부")).no()}), "농부는 일하지 않을 것입니다 .",
       "the farmer will not work .", "0?0 0-1 1-4 2-3 3?2 4-5"},
      {say(present, {C(adjective("big")).topic(N("상자")).no()}), "상자는 크지 않습니다 .", "the box is not big .",
       "0?0 0-1 1?2 1-4 2?2 2-3 3-5"},
      {say(present, {C(verb("know")).topic(N("저")).object(N("이야기")).no()}), "저는 이야기를 모릅니다 .",
       "I do not know a story .", "0-0 1?4 1-5 2?1 2-2 2-3 3-6"},
      {ask(past, {C(verb("know")).topic(N("미나")).object(N("준호")).no()}), "미나는 준호를 몰랐습니까 ?",
       "did Mina not know Junho ?", "0-1 1-4 2?0 2-2 2-3 3-5"},
      {ask(future, {C(verb("sleep")).topic(N("강아지")).no()}), "강아지는 안 잘 것입니까 ?",
       "will the puppy not sleep ?", "0?1 0-2 1-3 2-4 3?0 4-5"},
  });
}

TEST(KoreanEnglishGolden, BeingSomewhereAndHaving) {
  check({
      {say(present, {C(verb("there")).subject(N("고양이")).place(Role::in, N("부엌"))}), "부엌에 고양이가 있습니다 .",
       "there is a cat in the kitchen .", "0-4 0?5 0-6 1?2 1-3 2-0 2?1 3-7"},
      {say(past, {C(verb("there")).subject(N("열쇠")).place(Role::in, N("집")).no()}), "집에 열쇠가 없었습니다 .",
       "there was no key at home .", "0-4 0-5 1-3 2-0 2?1 2-2 3-6"},
      {ask(future, {C(verb("there")).subject(N("의자").num("세")).place(Role::in, N("방"))}),
       "방에 의자 세 개가 있을 것입니까 ?", "will there be three chairs in the room ?",
       "0-5 0?6 0-7 1-4 2-3 4-1 4?2 5?0 5?2 6-8"},
      {say(present, {C(verb("be")).topic(N("책")).place(Role::in, N("학교"))}), "책은 학교에 있습니다 .",
       "the book is at school .", "0?0 0-1 1-3 1-4 2?2 3-5"},
      {ask(present, {C(verb("be")).topic(N("교사").many()).place(Role::in, N("교실")).no()}),
       "교사들은 교실에 없습니까 ?", "are the teachers not in the classroom ?", "0?1 0-2 1-4 1?5 1-6 2?0 2-3 3-7"},
      {say(present, {C(verb("have")).topic(N("소녀")).object(N("우산"))}), "소녀는 우산이 있습니다 .",
       "the girl has an umbrella .", "0?0 0-1 1?3 1-4 2-2 3-5"},
      {say(past, {C(verb("have")).topic(N("소년")).object(N("카메라")).no()}), "소년은 카메라가 없었습니다 .",
       "the boy did not have a camera .", "0?0 0-1 1?5 1-6 2?2 2-3 2-4 3-7"},
  });
}

TEST(KoreanEnglishGolden, PlaceDirectionCompanyReceiverTimeAdverb) {
  check({
      {say(past, {C(verb("read")).topic(N("민수")).time("어제").place(Role::at, N("학교")).object(N("책"))}),
       "민수는 어제 학교에서 책을 읽었습니다 .", "Minsu read a book at school yesterday .",
       "0-0 1-6 2-4 2-5 3?2 3-3 4-1 5-7"},
      {say(future, {C(verb("go")).subject(N("친구")).place(Role::to, N("도서관"))}), "친구가 도서관에 갈 것입니다 .",
       "a friend will go to the library .", "0?0 0-1 1-4 1?5 1-6 2-3 3?2 4-7"},
      {say(past, {C(verb("come")).topic(N("유나")).place(Role::to, N("집"))}), "유나는 집에 왔습니다 .",
       "Yuna came home .", "0-0 1-2 2-1 3-3"},
      {say(present, {C(verb("walk")).topic(N("농부")).place(Role::toward, N("서울"))}), "농부는 서울로 걷습니다 .",
       "the farmer walks toward Seoul .", "0?0 0-1 1-3 1-4 2-2 3-5"},
      {say(past, {C(verb("run")).topic(N("늑대")).place(Role::toward, N("숲"))}), "늑대는 숲으로 달렸습니다 .",
       "the wolf ran toward the forest .", "0?0 0-1 1-3 1?4 1-5 2-2 3-6"},
      {say(past, {C(verb("see")).topic(N("지호")).company(N("친구").num("두")).object(N("영화"))}),
       "지호는 친구 두 명과 영화를 봤습니다 .", "Jiho saw a movie with two friends .",
       "0-0 1-6 2-5 3-4 4?2 4-3 5-1 6-7"},
      {say(past, {C(verb("give")).topic(N("수지")).receiver(N("저")).object(N("꽃"))}), "수지는 저에게 꽃을 줬습니다 .",
       "Suji gave a flower to me .", "0-0 1-4 1-5 2?2 2-3 3-1 4-6"},
      {say(future, {C(verb("send")).topic(N("작가")).time("내일", true).receiver(N("기자")).object(N("편지"))}),
       "내일 작가는 기자에게 편지를 보낼 것입니다 .", "the writer will send a letter to a reporter tomorrow .",
       "0-9 1?0 1-1 2-6 2?7 2-8 3?4 3-5 4-3 5?2 6-10"},
      {say(present, {C(verb("clean")).topic(N("점원").many()).time("아침에").object(N("사무실")).adverb("빨리")}),
       "점원들은 아침에 사무실을 빨리 청소합니다 .", "the clerks clean the office quickly in the morning .",
       "0?0 0-1 1-6 1?7 1-8 2?3 2-4 3-5 4-2 5-9"},
      {say(past, {C(verb("sit")).topic(N("토끼")).place(Role::in, N("정원").adj("quiet"))}),
       "토끼는 조용한 정원에 앉았습니다 .", "the rabbit sat in the quiet garden .", "0?0 0-1 1-5 2-3 2?4 2-6 3-2 4-7"},
      {say(past, {C(verb("run")).topic(N("돼지")).place(Role::at, N("학교").adj("big")).time("지난주에")}),
       "돼지는 지난주에 큰 학교에서 달렸습니다 .", "the pig ran at the big school last week .",
       "0?0 0-1 1-7 1-8 2-5 3-3 3?4 3-6 4-2 5-9"},
  });
}

TEST(KoreanEnglishGolden, DemonstrativesNumbersPluralsLists) {
  check({
      {say(present, {C(adjective("heavy")).topic(N("책상").dem("이"))}), "이 책상은 무겁습니다 .",
       "this desk is heavy .", "0-0 1-1 2?2 2-3 3-4"},
      {say(past, {C(verb("help")).topic(N("의사").dem("그").many()).object(N("우리"))}),
       "그 의사들은 우리를 도왔습니다 .", "those doctors helped us .", "0-0 1-1 2-3 3-2 4-4"},
      {say(present, {C(verb("fix")).topic(N("남자")).object(N("자동차").dem("저").adj("red"))}),
       "남자는 저 빨간 자동차를 고칩니다 .", "the man fixes that red car .", "0?0 0-1 1-3 2-4 3-5 4-2 5-6"},
      {say(past, {C(verb("read")).topic(N("아이").num("두")).object(N("소설").num("세"))}),
       "아이 두 명은 소설 세 권을 읽었습니다 .", "the two children read three novels .", "0?0 0-2 1-1 3-5 4-4 6-3 7-6"},
      {say(present, {C(verb("catch")).subject(N("가수")).object(N("여우").num("한"))}),
       "가수가 여우 한 마리를 잡습니다 .", "a singer catches one fox .", "0?0 0-1 1-4 2-3 4-2 5-5"},
      {say(past, {C(verb("pour")).topic(N("요리사")).object(N("우유").adj("warm").num("네"))}),
       "요리사는 따뜻한 우유 네 잔을 부었습니다 .", "the chef poured four cups of warm milk .",
       "0?0 0-1 1-6 2-7 3-3 4-4 5-2 6-8"},
      {say(past, {C(verb("sit")).topic(N("민수")).subject(N("간호사"))}), "민수와 간호사는 앉았습니다 .",
       "Minsu and the nurse sat .", "0-0 0-1 1?2 1-3 2-4 3-5"},
      {say(present, {C(verb("like")).topic(N("아이").many()).object(N("빵")).object(N("치즈"))}),
       "아이들은 빵과 치즈를 좋아합니다 .", "the children like bread and cheese .", "0?0 0-1 1-3 1-4 2-5 3-2 4-6"},
  });
}

TEST(KoreanEnglishGolden, Coordination) {
  check({
      {say(past, {C(verb("eat")).topic(N("민수")).object(N("밥")), C(verb("read")).object(N("신문"))}),
       "민수는 밥을 먹고 신문을 읽었습니다 .", "Minsu ate rice and read a newspaper .",
       "0-0 1-2 2-1 2-3 3?5 3-6 4-4 5-7"},
      {say(future, {C(verb("rest")).topic(N("농부")), C(verb("cry")).topic(N("소년")).no()}),
       "농부는 쉬고 소년은 안 울 것입니다 .", "the farmer will rest and the boy will not cry .",
       "0?0 0-1 1-3 1-4 2?5 2-6 3-8 4-9 5?7 6-10 1?2"},
      {ask(past, {C(verb("open")).topic(N("수지")).object(N("문")), C(verb("go")).place(Role::to, N("학교"))}),
       "수지는 문을 열고 학교에 갔습니까 ?", "did Suji open a door and go to school ?",
       "0-1 1?3 1-4 2?0 2-2 2-5 3-7 3-8 4-6 5-9"},
      {ask(present, {C(verb("work")).topic(N("우리")), C(verb("play")).topic(N("아이").many())}),
       "우리는 일하고 아이들은 놉니까 ?", "do we work and do the children play ?",
       "0-1 1?0 1-2 1-3 2?5 2-6 3?4 3-7 4-8"},
      {say(present, {C(adjective("big")).topic(N("공원")), C(adjective("quiet"))}), "공원은 크고 조용합니다 .",
       "the park is big and quiet .", "0?0 0-1 1?2 1-3 1-4 2-5 3-6"},
      {say(past, {C(verb("write")).topic(N("유나")).object(N("이메일")).no(), C(verb("sleep"))}),
       "유나는 이메일을 안 쓰고 잤습니다 .", "Yuna did not write an email and slept .",
       "0-0 1?4 1-5 2-2 3?1 3-3 3-6 4-7 5-8"},
      {say(present, {C(verb("bake")).topic(N("요리사")).object(N("케이크")), C(adjective("white")).topic(N("접시")),
                     C(verb("have")).topic(N("지호")).object(N("컵")).no()}),
       "요리사는 케이크를 굽고 접시는 하얗고 지호는 컵이 없습니다 .",
       "the chef bakes a cake and the dish is white and Jiho does not have a cup .",
       "0?0 0-1 1?3 1-4 2-2 2-5 3?6 3-7 4?8 4-9 4-10 5-11 6?15 6-16 7?12 7-13 7-14 8-17"},
  });
}

TEST(KoreanEnglishGolden, RelativeClauses) {
  check({
      {say(past, {C(verb("meet"))
                      .topic(N("유나"))
                      .object(N("학생").that(subject_gap, present, C(verb("read")).object(N("책"))))}),
       "유나는 책을 읽는 학생을 만났습니다 .", "Yuna met a student who reads a book .",
       "0-0 1?6 1-7 2-4 2-5 3?2 3-3 4-1 5-8"},
      {say(present,
           {C(adjective("expensive")).topic(N("모자").that(object_gap, past, C(verb("make")).subject(N("민수"))))}),
       "민수가 만든 모자는 비쌉니다 .", "the hat that Minsu made is expensive .", "0-3 1-2 1-4 2?0 2-1 3?5 3-6 4-7"},
      {say(present, {C(verb("pour"))
                         .topic(N("저"))
                         .object(N("주스").that(object_gap, future, C(verb("drink")).subject(N("점원"))))}),
       "저는 점원이 마실 주스를 붓습니다 .", "I pour juice that a clerk will drink .",
       "0-0 1?4 1-5 2-3 2?6 2-7 3-2 4-1 5-8"},
      {say(past, {C(verb("laugh")).topic(N("아이").that(subject_gap, past, C(verb("eat")).object(N("수박")).no()))}),
       "수박을 안 먹은 아이는 웃었습니다 .", "the child who did not eat a watermelon laughed .",
       "0?6 0-7 1-4 2-2 2?3 2-5 3?0 3-1 4-8 5-9"},
      {say(present, {C(verb("sleep"))
                         .topic(N("고양이").adj("black").many().that(subject_gap, present,
                                                                     C(verb("be")).place(Role::in, N("방"))))}),
       "방에 있는 까만 고양이들은 잡니다 .", "the black cats that are in the room sleep .",
       "0-5 0?6 0-7 1-3 1?4 2-1 3?0 3-2 4-8 5-9"},
      {ask(past, {C(verb("choose"))
                      .topic(N("수지"))
                      .object(N("코트").num("두").that(object_gap, present,
                                                       C(verb("wear")).subject(N("여자").adj("young"))))}),
       "수지는 젊은 여자가 입는 코트 두 벌을 골랐습니까 ?", "did Suji choose two coats that a young woman wears ?",
       "0-1 1-7 2?6 2-8 3-5 3-9 4-4 5-3 7?0 7-2 8-10"},
      {say(future, {C(verb("dance")).topic(N("가수").that(object_gap, past, C(verb("help")).subject(N("우리")))),
                    C(verb("like"))
                        .topic(N("교사"))
                        .object(N("음악").that(object_gap, present, C(verb("hear")).subject(N("준호"))))}),
       "우리가 도운 가수는 춤추고 교사는 준호가 듣는 음악을 좋아할 것입니다 .",
       "the singer who we helped will dance and the teacher will like music that Junho hears .",
       "0-3 1-2 1-4 2?0 2-1 3?5 3-6 3-7 4?8 4-9 5-14 6-13 6-15 7-12 8-11 9?10 10-16"},
      {say(past, {C(verb("fix"))
                      .topic(N("기자").that(subject_gap, past, C(verb("study")).object(N("역사")).no()))
                      .object(N("카메라").num("한"))}),
       "역사를 공부하지 않은 기자는 카메라 한 대를 고쳤습니다 .",
       "the reporter who did not study history fixed one camera .", "0-6 1-5 2-2 2?3 2-4 3?0 3-1 4-9 5-8 7-7 8-10"},
  });
}

/// Trees that are no sentences of the small world.
TEST(KoreanEnglishRules, RefuseWhatIsUnnaturalOrAmbiguous) {
  const Clause reads = C(verb("read")).object(N("책"));
  const std::vector<Sentence> wrong{
      say(present, {C(verb("read")).topic(N("민수")).object(N("사과"))}),  // nobody reads an apple
      say(present, {C(verb("sleep")).topic(N("의자"))}),                   // no chair sleeps
      say(present, {C(verb("read")).object(N("책"))}),                     // no dropped subject
      say(present, {C(verb("go")).topic(N("민수"))}),                      // nor goal
      say(present, {C(verb("give")).topic(N("민수")).object(N("책"))}),    // nor receiver
      say(past, {C(verb("sleep")).topic(N("민수")).time("내일")}),         // slept tomorrow
      ask(present, {C(verb("sleep")).topic(N("저"))}),                     // do I sleep?
      say(past, {C(verb("help")).topic(N("민수")).object(N("민수"))}),     // a word twice
      say(present, {C(adjective("small")).topic(N("상자").adj("big"))}),   // the big box is small
      say(past, {C(verb("meet")).topic(N("유나")).time("어제").object(N("학생").that(subject_gap, past, reads))}),
      say(past, {C(verb("meet"))
                     .topic(N("유나"))
                     .place(Role::at, N("학교"))
                     .object(N("학생").that(subject_gap, past, reads))}),  // in school: met or read?
      say(past, {C(verb("eat")).topic(N("유나")).object(N("밥")),
                 C(verb("meet")).object(N("학생").that(subject_gap, past, reads))}),  // ate and met, or ate and reads
      say(past, {C(verb("help")).topic(N("유나")).company(N("민수")).object(N("학생"))}),  // helped both, or with him
      say(present, {C(verb("walk")).topic(N("우리")).no(), C(verb("work"))}),  // we do not walk and work: not what?
      say(past, {C(verb("read")).topic(N("유나")).object(N("책").adj("red").adj("interesting"))}),
      say(past, {C(verb("buy")).topic(N("유나")).object(N("책").many())}),  // -들 is for the living
      say(past, {C(verb("meet")).topic(N("유나")).object(N("학생").that(object_gap, past, reads))}),
      say(past,
          {C(verb("meet")).topic(N("유나")).object(N("학생").that(subject_gap, past, C(verb("buy")).object(N("책"))))}),
  };
  for (const Sentence& sentence : wrong) EXPECT_NE(broken_rule(sentence), "") << join(realise(sentence).source);
}

}  // namespace
}  // namespace qkv::grammar
