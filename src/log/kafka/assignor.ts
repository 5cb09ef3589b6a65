import { cooperativeStickyAssigner } from "@platformatic/kafka";
import type { GroupPartitionsAssigner } from "@platformatic/kafka";

type Assignments = ReturnType<GroupPartitionsAssigner>;
type Members = Parameters<GroupPartitionsAssigner>[1];

/**
 * Who of a group gets which partitions: as the client's sticky assignor says, and evenly. That one leaves who comes back with
 * nothing where the others have two each of four, and three beside one and one of five.
 *
 * What has to move is taken away only; who had it lets it go and joins anew, and then it is nobody's, and goes to who has least.
 */
export const evenAssignor: GroupPartitionsAssigner = (current, members, topics, metadata) => {
  const assignments = cooperativeStickyAssigner(current, members, topics, metadata);
  for (const topic of topics) {
    const partitions = metadata.topics.get(topic)?.partitionsCount ?? 0;
    const hands = assignments.map((one) => handOf(one, members, topic));
    const assigned = hands.reduce((sum, { size }) => sum + size, 0);
    // Otherwise something is moving already, and this is asked again when it has been let go.
    if (assigned === partitions) even(hands);
  }
  return assignments;
};

/** What a member has of the topic. `size` counts what it is to have. */
interface Hand {
  size: number;
  readonly partitions: number[];
  readonly owned: ReadonlySet<number>;
}

function handOf({ memberId, assignments }: Assignments[number], members: Members, topic: string): Hand {
  let ofTopic = assignments.get(topic);
  if (ofTopic === undefined) assignments.set(topic, (ofTopic = { topic, partitions: [] }));
  const owned = members.get(memberId)?.ownedPartitions ?? [];
  return {
    size: ofTopic.partitions.length,
    partitions: ofTopic.partitions,
    owned: new Set(owned.filter((one) => one.topic === topic).flatMap((one) => one.partitions)),
  };
}

function even(hands: readonly Hand[]): void {
  for (;;) {
    const bySize = hands.toSorted((a, b) => a.size - b.size);
    const [least, most] = [bySize[0], bySize.at(-1)];
    if (least === undefined || most === undefined || most.size - least.size < 2) return;
    const partition = most.partitions.pop()!;
    if (!most.owned.has(partition)) least.partitions.push(partition);
    most.size -= 1;
    least.size += 1;
  }
}
