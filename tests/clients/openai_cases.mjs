// What users of npm's openai do: a case in on each line, what it returns or throws out.
import readline from "node:readline";
import OpenAI from "openai";

const client = (baseURL, options = {}) =>
  new OpenAI({ baseURL, apiKey: "any", maxRetries: 0, ...options });

const cases = {
  async chat({ base_url, messages, ...fields }) {
    return client(base_url).chat.completions.create({ model: "plumbline", messages, ...fields });
  },

  async stream({ base_url, messages, ...fields }) {
    const stream = await client(base_url).chat.completions.create({
      model: "plumbline",
      messages,
      stream: true,
      stream_options: { include_usage: true },
      ...fields,
    });
    let content = "";
    let usage = null;
    for await (const chunk of stream) {
      content += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    return { content, usage };
  },

  async helper({ base_url, messages, ...fields }) {
    const runner = client(base_url).chat.completions.stream({
      model: "plumbline",
      messages,
      ...fields,
    });
    return runner.finalChatCompletion();
  },

  // The SDK calls the tool, and asks again with its result.
  async run_tools({ base_url, messages }) {
    const booked = [];
    const runner = client(base_url).chat.completions.runTools({
      model: "plumbline",
      messages,
      tools: [
        {
          type: "function",
          function: {
            name: "book_leave",
            description: "Book days of leave.",
            parse: JSON.parse,
            parameters: { type: "object", properties: { days: { type: "integer" } } },
            function: ({ days }) => {
              booked.push(days);
              return `Booked: ${days} days.`;
            },
          },
        },
      ],
    });
    return { booked, content: await runner.finalContent() };
  },

  async error({ base_url, messages, ...fields }) {
    try {
      await client(base_url).chat.completions.create({ model: "plumbline", messages, ...fields });
    } catch (error) {
      const { status, param, code, type, message } = error;
      return { name: error.constructor.name, status, param, code, type, message };
    }
    return null;
  },

  async stored({ base_url, metadata }) {
    const ids = [];
    for await (const stored of client(base_url).chat.completions.list({ metadata, limit: 2 })) {
      ids.push(stored.id);
    }
    return ids;
  },

  async remove({ base_url, id }) {
    return client(base_url).chat.completions.delete(id);
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { case: name, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await cases[name](given) };
  } catch (error) {
    answer = {
      error: { type: error.constructor.name, status: error.status ?? null, message: error.message },
    };
  }
  console.log(JSON.stringify(answer));
}
